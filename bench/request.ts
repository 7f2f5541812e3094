import { create, toBinary } from "@bufbuild/protobuf";
import { GetRunnerRequestSchema } from "../gen/gitpod/v1/runner_service_pb.ts";
import { sampleId, token } from "./sample.ts";

/** A request to GetRunner as it is on the wire. */
export interface WireRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const path = "/gitpod.v1.RunnerService/GetRunner";

/** The headers of every request, as an HTTP client sends them. */
const commonHeaders = {
  "User-Agent": "runner-service-bench",
  Accept: "*/*",
  Authorization: `Bearer ${token}`,
};

/** Creates a JSON POST. Without `acceptEncoding` it is like curl's; fetch always sets that header. */
export function jsonPost(acceptEncoding?: string): WireRequest {
  return post("application/json", Buffer.from(JSON.stringify({ runnerId: sampleId })), {
    ...(acceptEncoding !== undefined && { "Accept-Encoding": acceptEncoding }),
  });
}

/** Creates a binary POST. */
export function binaryPost(): WireRequest {
  const message = create(GetRunnerRequestSchema, { runnerId: sampleId });
  return post("application/proto", Buffer.from(toBinary(GetRunnerRequestSchema, message)));
}

/** Creates a Connect GET with JSON. */
export function connectGet(): WireRequest {
  const query = new URLSearchParams({
    connect: "v1",
    encoding: "json",
    message: JSON.stringify({ runnerId: sampleId }),
  });
  return {
    method: "GET",
    path: `${path}?${query}`,
    headers: commonHeaders,
    body: Buffer.alloc(0),
  };
}

function post(
  contentType: string,
  body: Buffer,
  headers: Record<string, string> = {},
): WireRequest {
  return {
    method: "POST",
    path,
    headers: {
      ...commonHeaders,
      "Connect-Protocol-Version": "1",
      ...headers,
      "Content-Type": contentType,
      "Content-Length": String(body.length),
    },
    body,
  };
}

/** Encodes a request in HTTP/1.1. */
export function encodeHttp1({ method, path, headers, body }: WireRequest, port: number): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}
