import { promisify } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HttpHeader, HttpResponse } from "./http-client.ts";

/** A response as Node.js receives it. */
export interface RawResponse {
  readonly status: number;
  /** The header fields, with names in lower case. */
  readonly fields: Readonly<Record<string, string | string[] | undefined>>;
  /** The chunks of the body. */
  readonly chunks: readonly Uint8Array[];
}

/**
 * Concatenates and decompresses the body of a response. Supports gzip and Brotli.
 *
 * Rejects with a ConnectError with the code `internal` if the body cannot be decompressed.
 */
export function toHttpResponse({
  status,
  fields,
  chunks,
}: RawResponse): HttpResponse | Promise<HttpResponse> {
  const response = { status, header: createHttpHeader(fields), body: concatenate(chunks) };
  const encoding = fields["content-encoding"]?.toString() ?? "identity";
  return encoding === "identity" || response.body.length === 0
    ? response
    : decompressResponse(response, encoding);
}

/** Copies the chunks: they are views of larger socket buffers, which they would keep in memory. */
function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}

function createHttpHeader(fields: RawResponse["fields"]): HttpHeader {
  return {
    get: (name) => fields[name]?.toString() ?? null,
    *[Symbol.iterator]() {
      for (const [name, value] of Object.entries(fields)) {
        for (const item of [value ?? []].flat()) {
          yield [name, item];
        }
      }
    },
  };
}

async function decompressResponse(response: HttpResponse, encoding: string): Promise<HttpResponse> {
  if (encoding !== "gzip" && encoding !== "br") {
    throw new ConnectError(`unsupported response encoding "${encoding}"`, Code.Internal);
  }
  const { brotliDecompress, gunzip } = await import("node:zlib");
  const decompress = promisify(encoding === "gzip" ? gunzip : brotliDecompress);
  try {
    return { ...response, body: new Uint8Array(await decompress(response.body)) };
  } catch (error) {
    throw new ConnectError(
      `cannot decompress the response with Content-Encoding: ${encoding}`,
      Code.Internal,
      undefined,
      undefined,
      error,
    );
  }
}
