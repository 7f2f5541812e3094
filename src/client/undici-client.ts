import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Dispatcher, errors } from "undici";
import { type HttpClient, type HttpHeader, noAnswer } from "./http.ts";

/**
 * Creates an HTTP client for one origin on a dispatcher of undici's. It follows
 * no redirects.
 *
 * It uses what undici's own `request()` is made of: that, and even more so
 * fetch, makes streams of bodies that are there in one piece.
 *
 * It asks for no compression, but understands gzip and Brotli: a runner fits
 * into two packets as it is.
 */
export function createUndiciClient(dispatcher: Dispatcher, origin: string): HttpClient {
  return async ({ url, method, header, body: requestBody, signal }) => {
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
          body: requestBody as string | Buffer | null,
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
            reject(isClosed(error) ? closed() : noAnswer(url, error));
          },
        },
      );
    });
    const body = joined(chunks);
    const encoding = fields["content-encoding"]?.toString() ?? "identity";
    const isPlain = encoding === "identity" || body.length === 0;
    return {
      status,
      header: headerOf(fields),
      body: isPlain ? body : await decompressed(body, encoding),
    };
  };
}

function isClosed(error: Error): boolean {
  return error instanceof errors.ClientClosedError || error instanceof errors.ClientDestroyedError;
}

function closed(): ConnectError {
  return new ConnectError("the client is closed", Code.FailedPrecondition);
}

/** Copies the bytes: chunks are views of what the socket read, which would stay as long as they. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}

interface Received {
  status: number;
  fields: Record<string, string | string[] | undefined>;
  readonly chunks: Uint8Array[];
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

async function decompressed(body: Uint8Array, encoding: string): Promise<Uint8Array> {
  const decompress = decompressors[encoding];
  if (decompress === undefined) {
    throw new ConnectError(`unsupported response encoding "${encoding}"`, Code.Internal);
  }
  try {
    return new Uint8Array(await decompress(body));
  } catch (error) {
    throw new ConnectError(
      `cannot decompress the answer, said to be ${encoding}`,
      Code.Internal,
      undefined,
      undefined,
      error,
    );
  }
}

const decompressors: Record<string, (body: Uint8Array) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  br: promisify(brotliDecompress),
};
