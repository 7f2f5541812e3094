import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Dispatcher } from "undici";
import { type HttpClient, type HttpHeader, noAnswer } from "./http.ts";

/**
 * Creates an HTTP client on a dispatcher of undici's. It follows no redirects.
 *
 * It uses what undici's own `request()` is made of: that, and even more so
 * fetch, makes streams of bodies that are there in one piece.
 */
export function createUndiciClient(dispatcher: Dispatcher): HttpClient {
  return async ({ url, method, header, body, signal }) => {
    const { origin } = new URL(url);
    const headers = [...header].flat();
    if (!header.has("User-Agent")) {
      headers.push("User-Agent", "runner-service");
    }
    const { status, fields, chunks } = await new Promise<Received>((resolve, reject) => {
      const received: Received = { status: 0, fields: {}, chunks: [] };
      let controller: Dispatcher.DispatchController | undefined;
      const onAbort = () => {
        reject(signal.reason);
        controller?.abort(signal.reason);
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener("abort", onAbort);
      dispatcher.dispatch(
        {
          origin,
          path: url.slice(origin.length),
          method,
          headers,
          // Any Uint8Array will do, though the types ask for the one of Node.js.
          body: body as string | Buffer | null,
        },
        {
          onRequestStart(newController) {
            // Only now is there a connection, so the call may have ended before.
            controller = newController;
            if (signal.aborted) {
              onAbort();
            }
          },
          onResponseStart(_, status, fields) {
            received.status = status;
            received.fields = fields;
          },
          onResponseData(_, chunk) {
            received.chunks.push(chunk);
          },
          onResponseEnd() {
            signal.removeEventListener("abort", onAbort);
            resolve(received);
          },
          onResponseError(_, error) {
            signal.removeEventListener("abort", onAbort);
            reject(noAnswer(url, error));
          },
        },
      );
    });
    return {
      status,
      header: headerOf(fields),
      body: await decompressed(Buffer.concat(chunks), fields["content-encoding"]),
    };
  };
}

interface Received {
  status: number;
  fields: Record<string, string | string[] | undefined>;
  readonly chunks: Buffer[];
}

function headerOf(fields: Received["fields"]): HttpHeader {
  return {
    get: (name) => fields[name]?.toString() ?? null,
    *[Symbol.iterator]() {
      for (const [name, value] of Object.entries(fields)) {
        for (const one of [value ?? []].flat()) {
          yield [name, one];
        }
      }
    },
  };
}

function decompressed(
  body: Buffer,
  encoding: string | string[] | undefined,
): Buffer | Promise<Buffer> {
  if (encoding === undefined || encoding === "identity" || body.length === 0) {
    return body;
  }
  if (encoding === "gzip") {
    return promisify(gunzip)(body);
  }
  if (encoding === "br") {
    return promisify(brotliDecompress)(body);
  }
  throw new ConnectError(`unsupported response encoding "${encoding}"`, Code.Internal);
}
