import type { Readable } from "node:stream";

/** Where what is being collected is, on the request that it comes from. */
const collecting = Symbol("collecting");

interface CollectedRequest extends Readable {
  [collecting]?: Collected | undefined;
}

interface Collected {
  readonly maxBytes: number;
  readonly done: (body: Buffer | undefined) => void;
  first: Buffer;
  chunks: Buffer[] | undefined;
  length: number;
}

const nothing: Buffer = Buffer.alloc(0);

/**
 * Collects the body of a request and hands it to `done`: all of it, or, when it
 * is larger than `maxBytes`, enough of it to tell; what is left then is thrown
 * away as it arrives. Without a body, the caller has broken the request off.
 *
 * The function that is returned stops it; `done` is not called any more then.
 */
export function collectBody(
  request: CollectedRequest,
  maxBytes: number,
  done: (body: Buffer | undefined) => void,
): () => void {
  request[collecting] = { maxBytes, done, first: nothing, chunks: undefined, length: 0 };
  // The same functions for all requests, and left where they are: a request of HTTP/2 may be garbage
  // for long before it is swept, with all that it holds.
  request.on("data", onData).on("end", onEnd).on("close", onClose);
  return () => {
    request[collecting] = undefined;
  };
}

function onData(this: CollectedRequest, chunk: Buffer): void {
  const collected = this[collecting];
  if (collected === undefined) {
    return;
  }
  if (collected.length === 0) {
    collected.first = chunk;
  } else {
    collected.chunks ??= [collected.first];
    collected.chunks.push(chunk);
  }
  collected.length += chunk.length;
  if (collected.length > collected.maxBytes) {
    onEnd.call(this);
  }
}

function onEnd(this: CollectedRequest): void {
  const collected = this[collecting];
  if (collected !== undefined) {
    this[collecting] = undefined;
    const { done, first, chunks, length } = collected;
    done(chunks === undefined ? first : Buffer.concat(chunks, length));
  }
}

function onClose(this: CollectedRequest): void {
  const collected = this[collecting];
  if (collected !== undefined) {
    this[collecting] = undefined;
    collected.done(undefined);
  }
}

/**
 * Reads the body of a request, as much as {@link collectBody} does. Resolves to undefined when the
 * client disconnected before it was complete, and rejects with the reason of `signal` when that is
 * aborted.
 */
export function readBody(
  request: Readable,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = collectBody(request, maxBytes, (body) => {
      signal.removeEventListener("abort", onAbort);
      resolve(body);
    });
    const onAbort = () => {
      stop();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort);
  });
}
