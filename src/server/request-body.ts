import { Code, ConnectError } from "@connectrpc/connect";
import type { NodeRequest } from "./listener.ts";

/**
 * Reads the body of a request: all of it, or, when it is larger than `maxBytes`,
 * enough of it to tell. What is left then is thrown away as it arrives.
 *
 * Rejects with the reason of `signal` when that is aborted, and with `canceled`
 * when the caller breaks the request off.
 */
export function readBody(
  request: NodeRequest,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) {
        onEnd();
      }
    };
    const onEnd = () => {
      stop();
      const [first = Buffer.alloc(0)] = chunks;
      resolve(chunks.length <= 1 ? first : Buffer.concat(chunks, length));
    };
    const onBreak = () => fail(new ConnectError("the request was broken off", Code.Canceled));
    const onAbort = () => fail(signal.reason);
    const fail = (reason: unknown) => {
      stop();
      reject(reason);
    };
    const stop = () => {
      request.off("data", onData).off("end", onEnd).off("error", onBreak).off("close", onBreak);
      signal.removeEventListener("abort", onAbort);
    };
    request.on("data", onData).on("end", onEnd).on("error", onBreak).on("close", onBreak);
    signal.addEventListener("abort", onAbort);
  });
}
