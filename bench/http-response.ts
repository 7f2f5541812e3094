import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";
import { equals, fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { GetRunnerResponseSchema } from "../gen/gitpod/v1/runner_service_pb.ts";
import type { WireRequest } from "./request.ts";
import { expectedResponse } from "./sample.ts";

/** HTTP/1.1 or HTTP/2, both cleartext. */
export type Protocol = "http1" | "http2";

/** A response as it is on the wire. */
export interface WireResponse {
  /** Names and values in turn, without the headers that Node.js writes by itself. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

interface FullResponse extends WireResponse {
  readonly status: number | undefined;
  readonly fields: Readonly<Record<string, string | string[] | undefined>>;
}

/** Makes one call and returns its response. Rejects if the response is not the expected one. */
export async function fetchVerified(
  protocol: Protocol,
  port: number,
  request: WireRequest,
): Promise<WireResponse> {
  const fetchResponse = protocol === "http1" ? fetchHttp1 : fetchHttp2;
  const { status, fields, headers, body } = await fetchResponse(port, request);
  const plain = await decompress(String(fields["content-encoding"] ?? "identity"), body);
  if (status !== 200) {
    throw new Error(`a server responded with status ${status}: ${plain}`);
  }
  const response =
    fields["content-type"] === "application/proto"
      ? fromBinary(GetRunnerResponseSchema, plain)
      : fromJsonString(GetRunnerResponseSchema, plain.toString());
  if (!equals(GetRunnerResponseSchema, response, await expectedResponse())) {
    throw new Error(`a server responded with the wrong runner: ${plain}`);
  }
  return { headers: removeNodeHeaders(headers), body };
}

/** Makes one call over HTTP/1.1. Does not check the response. */
export async function fetchHttp1(port: number, request: WireRequest): Promise<FullResponse> {
  const { method, path, headers, body } = request;
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    httpRequest({ host: "127.0.0.1", port, method, path, headers }, resolve)
      .on("error", reject)
      .end(body),
  );
  return {
    status: response.statusCode,
    fields: response.headers,
    headers: response.rawHeaders,
    body: await buffer(response),
  };
}

async function fetchHttp2(port: number, request: WireRequest): Promise<FullResponse> {
  const { method, path, headers, body } = request;
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ":method": method, ":path": path, ...headers });
    const head = new Promise<Omit<FullResponse, "body">>((resolve) =>
      stream.on("response", (fields, _flags, headers) =>
        resolve({ status: fields[":status"], fields, headers }),
      ),
    );
    const received = await buffer(stream.end(body));
    return { ...(await head), body: received };
  } finally {
    session.close();
  }
}

/** Headers that Node.js writes by itself, or that frame the body. */
const nodeHeaders = new Set([
  ":status",
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

function removeNodeHeaders(headers: readonly string[]): string[] {
  return headers.filter(
    (_, index) => !nodeHeaders.has(headers[index - (index % 2)]?.toLowerCase() ?? ""),
  );
}

async function decompress(encoding: string, body: Buffer): Promise<Buffer> {
  switch (encoding) {
    case "identity":
      return body;
    case "gzip":
      return await promisify(gunzip)(body);
    case "br":
      return await promisify(brotliDecompress)(body);
    default:
      throw new Error(`a server responded with the unsupported content encoding ${encoding}`);
  }
}
