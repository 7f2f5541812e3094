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
 * Resets a stream without an error when the response ends before the request, so that the client
 * stops sending it (RFC 9113, section 8.1). Node.js does so only if reading has not started.
 */
export function resetUnreadStream(stream: ServerHttp2Stream): void {
  const reset = () => {
    // The response has been sent completely if only the side of the client is still open.
    if (stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL) {
      stream.close(constants.NGHTTP2_NO_ERROR);
    }
  };
  // Node.js submits the trailers in one iteration of the event loop, and sends them in the next.
  const resetWhenSent = () => setImmediate(setImmediate, reset);
  stream.once("finish", resetWhenSent).once("wantTrailers", resetWhenSent);
}
