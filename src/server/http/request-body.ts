import type { Readable } from "node:stream";

/** The key of a request's {@link BodyCollector}. */
const collectorKey = Symbol("body collector");

interface CollectedRequest extends Readable {
  [collectorKey]?: BodyCollector | undefined;
}

interface BodyCollector {
  readonly maxBytes: number;
  readonly done: (body: Buffer | undefined) => void;
  first: Buffer;
  chunks: Buffer[] | undefined;
  length: number;
}

const emptyBuffer: Buffer = Buffer.alloc(0);

/**
 * Collects the body of a request and passes it to `done`. If the body exceeds `maxBytes`, `done` gets
 * what has arrived by then, which is longer than `maxBytes`, and the rest is discarded as it arrives.
 * If the client disconnects before the body is complete, `done` gets undefined.
 *
 * The returned function stops the collection, and `done` is not called after that.
 */
export function collectBody(
  request: CollectedRequest,
  maxBytes: number,
  done: (body: Buffer | undefined) => void,
): () => void {
  request[collectorKey] = { maxBytes, done, first: emptyBuffer, chunks: undefined, length: 0 };
  // All requests share these listeners, and they are not removed. An HTTP/2 request may stay
  // uncollected for a long time, and closures would keep everything they reference alive with it.
  request.on("data", onData).on("end", onEnd).on("close", onClose);
  return () => {
    request[collectorKey] = undefined;
  };
}

function onData(this: CollectedRequest, chunk: Buffer): void {
  const collector = this[collectorKey];
  if (collector === undefined) {
    return;
  }
  if (collector.length === 0) {
    collector.first = chunk;
  } else {
    collector.chunks ??= [collector.first];
    collector.chunks.push(chunk);
  }
  collector.length += chunk.length;
  if (collector.length > collector.maxBytes) {
    onEnd.call(this);
  }
}

function onEnd(this: CollectedRequest): void {
  const collector = this[collectorKey];
  if (collector !== undefined) {
    this[collectorKey] = undefined;
    const { done, first, chunks, length } = collector;
    done(chunks === undefined ? first : Buffer.concat(chunks, length));
  }
}

function onClose(this: CollectedRequest): void {
  const collector = this[collectorKey];
  if (collector !== undefined) {
    this[collectorKey] = undefined;
    collector.done(undefined);
  }
}

/**
 * Reads the body of a request like {@link collectBody}. Resolves to undefined if the client
 * disconnects before it is complete. Rejects with the reason of `signal` if that is aborted.
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
