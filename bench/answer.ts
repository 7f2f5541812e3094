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

/** An answer with the sample, as it is on the wire. */
export interface WireAnswer {
  /** Names and values in turn, without those that Node.js writes by itself. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** All of an answer. */
interface Received extends WireAnswer {
  readonly status: number | undefined;
  readonly fields: Readonly<Record<string, string | string[] | undefined>>;
}

/** Makes a call once, and checks that the whole answer is the one expected. */
export async function fetchAnswer(
  protocol: Protocol,
  port: number,
  request: WireRequest,
): Promise<WireAnswer> {
  const received = await (protocol === "http1" ? overHttp1 : overHttp2)(port, request);
  const { status, fields, body } = received;
  const plain = await decompress(String(fields["content-encoding"] ?? "identity"), body);
  if (status !== 200) {
    throw new Error(`a server answers with status ${status}: ${plain}`);
  }
  const response =
    fields["content-type"] === "application/proto"
      ? fromBinary(GetRunnerResponseSchema, plain)
      : fromJsonString(GetRunnerResponseSchema, plain.toString());
  if (!equals(GetRunnerResponseSchema, response, await expectedResponse())) {
    throw new Error(`a server answers with another runner: ${plain}`);
  }
  return { headers: withoutNodesOwn(received.headers), body };
}

/** Makes a call over HTTP/1.1, and leaves it to the caller to look at the answer. */
export async function overHttp1(port: number, request: WireRequest): Promise<Received> {
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

async function overHttp2(port: number, request: WireRequest): Promise<Received> {
  const { method, path, headers, body } = request;
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ":method": method, ":path": path, ...headers });
    const head = new Promise<Omit<Received, "body">>((resolve) =>
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

/** Headers that Node.js writes by itself, or that say how the body is framed. */
const nodesOwn = new Set([
  ":status",
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

function withoutNodesOwn(headers: readonly string[]): string[] {
  return headers.filter(
    (_, index) => !nodesOwn.has(headers[index - (index % 2)]?.toLowerCase() ?? ""),
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
      throw new Error(`a server answers with the encoding ${encoding}`);
  }
}
