import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";

/**
 * Discards what is left of a request's body when the response ends before it has been read, so that
 * the next request on the connection can be read. Node.js does so only if reading has not started.
 */
export function discardUnreadBody(request: IncomingMessage, response: ServerResponse): void {
  response.once("finish", () => {
    if (!request.readableEnded) {
      // As long as an iterator over the body listens, the stream does not flow. Node.js notices in
      // the next tick that it no longer does.
      request.removeAllListeners("readable");
      setImmediate(() => request.resume());
    }
  });
}

/**
 * How long a client may still send a request after the response to it, in milliseconds. Most requests
 * end soon, and some clients, such as curl 7, take an earlier reset for an error.
 */
const graceMs = 250;

/**
 * Discards what is left of a request when the response ends before it, and resets the stream without
 * an error if the client does not end the request soon (RFC 9113, section 8.1). Node.js does neither
 * if reading has started, and resets the stream immediately otherwise.
 */
export function resetUnreadStream(stream: ServerHttp2Stream): void {
  const reset = () => {
    // The response has been sent completely if only the side of the client is still open. If both are
    // closed, Node.js still waits for somebody to read the request.
    const { state } = stream.state;
    if (stream.closed || state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL) {
      stream.destroy();
    }
  };
  const onResponseEnd = () => {
    if (!stream.readableEnded && !stream.destroyed) {
      stream.resume();
      const timer = setTimeout(reset, graceMs);
      stream.once("close", () => clearTimeout(timer));
    }
  };
  // The end of the body is the end of a response without trailers.
  stream.once("finish", onResponseEnd).once("wantTrailers", onResponseEnd);
}
