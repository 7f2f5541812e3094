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

/** How long a client may go on sending a request after its response, in milliseconds. */
const resetDelayMs = 1000;

/**
 * Resets a stream without an error when the response ends before the request, so that the client
 * stops sending it (RFC 9113, section 8.1). Node.js does so only if reading has not started, and
 * immediately: a client that is about to send a small body, such as curl 7.88, then reports the reset
 * instead of the response. So the rest of a request is first discarded for a second.
 */
export function resetUnreadStream(stream: ServerHttp2Stream): void {
  const reset = () => {
    // The response has been sent completely if only the side of the client is still open.
    if (stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL) {
      stream.close(constants.NGHTTP2_NO_ERROR);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const resetLater = () => {
    timer ??= setTimeout(reset, resetDelayMs);
  };
  stream
    .once("prefinish", () => {
      // Node.js resets a stream only as long as nobody has asked for its data.
      if (stream.readableFlowing === null) {
        stream.resume();
      }
    })
    .once("finish", resetLater)
    .once("wantTrailers", resetLater)
    .once("close", () => clearTimeout(timer));
}
