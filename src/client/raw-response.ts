import { promisify } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HttpHeader, HttpResponse } from "./http-client.ts";

/** An answer as Node.js receives it. */
export interface RawResponse {
  readonly status: number;
  /** Its header, names in lower case. */
  readonly fields: Readonly<Record<string, string | string[] | undefined>>;
  /** Its body, in pieces. */
  readonly chunks: readonly Uint8Array[];
}

/**
 * Makes the answer of what was received, its body in one piece and decompressed: gzip and Brotli
 * are understood.
 *
 * Rejects with a ConnectError with the code `internal` when it cannot be decompressed.
 */
export function toHttpResponse({
  status,
  fields,
  chunks,
}: RawResponse): HttpResponse | Promise<HttpResponse> {
  const answer = { status, header: headerOf(fields), body: joined(chunks) };
  const encoding = fields["content-encoding"]?.toString() ?? "identity";
  return encoding === "identity" || answer.body.length === 0
    ? answer
    : decompressed(answer, encoding);
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

function headerOf(fields: RawResponse["fields"]): HttpHeader {
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

async function decompressed(answer: HttpResponse, encoding: string): Promise<HttpResponse> {
  if (encoding !== "gzip" && encoding !== "br") {
    throw new ConnectError(`unsupported response encoding "${encoding}"`, Code.Internal);
  }
  const { brotliDecompress, gunzip } = await import("node:zlib");
  const decompress = promisify(encoding === "gzip" ? gunzip : brotliDecompress);
  try {
    return { ...answer, body: new Uint8Array(await decompress(answer.body)) };
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
