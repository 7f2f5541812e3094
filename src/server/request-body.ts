import type { Readable } from "node:stream";
import { Code, ConnectError } from "@connectrpc/connect";

const nothing: Buffer = Buffer.alloc(0);

/**
 * Collects the body of a request and hands it to `done`: all of it, or, when it
 * is larger than `maxBytes`, enough of it to tell; what is left then is thrown
 * away as it arrives. Without a body, the caller has broken the request off.
 *
 * The function that is returned stops it; `done` is not called any more then.
 */
export function collectBody(
  request: Readable,
  maxBytes: number,
  done: (body: Buffer | undefined) => void,
): () => void {
  let first = nothing;
  let chunks: Buffer[] | undefined;
  let length = 0;
  let tell: ((body: Buffer | undefined) => void) | undefined = done;

  // Lets go of all that it holds: a request of HTTP/2 may be garbage for long.
  function end(body?: Buffer): void {
    const tellOnce = tell;
    stop();
    tellOnce?.(body);
  }
  function stop(): void {
    tell = undefined;
    first = nothing;
    chunks = undefined;
  }
  const onData = (chunk: Buffer) => {
    if (tell === undefined) {
      return;
    }
    if (length === 0) {
      first = chunk;
    } else {
      chunks ??= [first];
      chunks.push(chunk);
    }
    length += chunk.length;
    if (length > maxBytes) {
      onEnd();
    }
  };
  const onEnd = () => end(chunks === undefined ? first : Buffer.concat(chunks, length));
  const onClose = () => end();
  // Left where they are once it is over: they go when the request goes.
  request.on("data", onData).on("end", onEnd).on("close", onClose);
  return stop;
}

/**
 * Reads the body of a request, as much as {@link collectBody} does.
 *
 * Rejects with the reason of `signal` when that is aborted, and with `canceled`
 * when the caller breaks the request off.
 */
export function readBody(
  request: Readable,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = collectBody(request, maxBytes, (body) => {
      signal.removeEventListener("abort", onAbort);
      if (body === undefined) {
        reject(callerWentAway());
      } else {
        resolve(body);
      }
    });
    const onAbort = () => {
      stop();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort);
  });
}

/** The error for a call whose caller is gone. */
export function callerWentAway(): ConnectError {
  return new ConnectError("the caller went away", Code.Canceled);
}
