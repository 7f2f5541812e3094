import { brotliCompressSync, gzipSync } from "node:zlib";
import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport as createNodeTransport } from "@connectrpc/connect-node";
import { createConnectTransport as createWebTransport } from "@connectrpc/connect-web";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GetRunnerResponseSchema, RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createRunnerClient as createClientOnUndici } from "../../src/client/node.ts";
import { createNodeHttpClient } from "../../src/client/node-http-client.ts";
import {
  createRunnerClient,
  createRunnerClientOverHttp,
  type RunnerClient,
} from "../../src/client/runner-client.ts";
import { type FailingServer, respond, startFailingServer } from "../support/failing-server.ts";

interface ResponseSpec {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly headers: Record<string, string | string[]>;
}

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const getRunnerResponse = create(GetRunnerResponseSchema, {
  runner: { runnerId, name: "Läufer 🏃", status: { phase: 3, capabilities: [1, 11] } },
});
const json = JSON.stringify(toJson(GetRunnerResponseSchema, getRunnerResponse));
const binary = toBinary(GetRunnerResponseSchema, getRunnerResponse);
const detail = {
  type: "google.protobuf.FieldMask",
  value: base64Encode(
    toBinary(FieldMaskSchema, create(FieldMaskSchema, { paths: ["a"] })),
    "std_raw",
  ),
  debug: { paths: "a" },
};

const nodeHttp = createNodeHttpClient("http:");

/** The response that the server currently sends. */
let current: ResponseSpec = { status: 200, body: "", headers: {} };
let server: FailingServer;

beforeAll(async () => {
  server = await startFailingServer([
    (response) => respond(current.status, current.body, current.headers)(response),
  ]);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Makes a call with each of our clients and of Connect's own transports. Returns the outcomes. */
async function callAll(response: ResponseSpec, useBinaryFormat: boolean, useHttpGet: boolean) {
  current = response;
  const baseUrl = server.url;
  const ourOptions = { baseUrl, useBinaryFormat, useHttpGet, retry: false } as const;
  const undiciClient = createClientOnUndici(ourOptions);
  const connectClient = (transport: Transport) => createClient(RunnerService, transport);
  const connectOptions = { baseUrl, useBinaryFormat, useHttpGet };
  const outcomes = {
    fetch: await getOutcome(createRunnerClient(ourOptions)),
    undici: await getOutcome(undiciClient),
    nodeHttp: await getOutcome(createRunnerClientOverHttp(nodeHttp, ourOptions)),
    web: await getOutcome(connectClient(createWebTransport(connectOptions))),
    node: await getOutcome(
      connectClient(createNodeTransport({ ...connectOptions, httpVersion: "1.1" })),
    ),
  };
  await undiciClient.close();
  return outcomes;
}

interface Outcome {
  readonly response?: unknown;
  /** The error's code, its message if it was sent by the server, and its details. */
  readonly error?: { code: Code; message: string | undefined; details: unknown };
  readonly metadata?: ReturnType<typeof mergeHeadersAndTrailers>;
}

async function getOutcome(client: RunnerClient): Promise<Outcome> {
  const metadata: Record<string, unknown> = {};
  try {
    const message = await client.getRunner(
      { runnerId },
      {
        onHeader: (header) => Object.assign(metadata, { header: stableEntries(header) }),
        onTrailer: (trailer) => Object.assign(metadata, { trailer: stableEntries(trailer) }),
      },
    );
    // Compare bytes: Connect's Node.js transport sometimes returns a Buffer instead of a Uint8Array.
    const bytes = hex(toBinary(GetRunnerResponseSchema, message));
    return { response: { ...metadata, bytes } };
  } catch (reason) {
    const { code, rawMessage, details, metadata, isWireError } = ConnectError.from(reason);
    const message = isWireError && rawMessage !== "" ? rawMessage : undefined;
    return { metadata: mergeHeadersAndTrailers(metadata), error: { code, message, details } };
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Returns all headers except those that vary between responses. */
function stableEntries(headers: Headers) {
  return [...headers].filter(([name]) => !/^(date|connection|keep-alive)$/.test(name));
}

/**
 * Merges headers and trailers. For errors that are not Connect errors, Connect's own transports do
 * not strip the prefix of trailers and may duplicate values.
 */
function mergeHeadersAndTrailers(metadata: Headers) {
  const merged = new Map<string, Set<string>>();
  for (const [name, value] of stableEntries(metadata)) {
    const key = name?.replace(/^trailer-/, "") ?? "";
    merged.set(key, new Set([...(merged.get(key) ?? []), ...(value?.split(/, ?/) ?? [])]));
  }
  return merged;
}

type Outcomes = Awaited<ReturnType<typeof callAll>>;

function expectAgreement({ fetch, undici, nodeHttp, web, node }: Outcomes) {
  expect(fetch).toEqual(undici);
  expect(nodeHttp).toEqual(undici);
  // If Connect's own transports cannot parse a response, their errors contain none of it and have
  // different codes.
  if (describesResponse(node)) {
    expect(undici).toEqual(node);
  } else {
    expect(undici.error?.code).toBe(Code.Internal);
  }
  if (describesResponse(web)) {
    expect(fetch).toEqual(web);
  }
}

function describesResponse({ error, metadata }: Outcome): boolean {
  return error === undefined || metadata?.size !== 0;
}

const errors = [
  { code: "not_found", message: "no such runner", details: [detail] },
  { code: "resource_exhausted", message: "slow", details: [detail, detail] },
  { code: "deadline_exceeded" },
  { code: "nonsense", message: "what" },
  { message: "without code" },
  { code: "internal", message: null },
  { code: "internal", message: 1 },
  { code: "aborted", message: "bad detail", details: [{ type: "a" }] },
  { code: "aborted", message: "bad base64", details: [{ type: "a", value: "%%%" }] },
  { code: "aborted", message: "details that are not a list", details: {} },
  { code: 5, message: "number" },
];

const bodies = [
  json,
  '{"runner":{"name":"one","later":{"a":[1]}},"more":1}',
  '{"runner":{"name":1}}',
  "{}",
  "[]",
  "null",
  '"text"',
  "<html></html>",
  '{"runner":',
  "",
  ...errors.map((error) => JSON.stringify(error)),
];

const arbitraryResponses = fc.record({
  status: fc.oneof(
    fc.constant(200),
    fc.constantFrom(200, 202, 400, 401, 403, 404, 409, 418, 429, 499, 500, 501, 502, 503, 504),
  ),
  type: fc.constantFrom(
    "application/json",
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON;charset=UTF8",
    "application/json; charset=latin1",
    "application/proto",
    "application/grpc",
    "text/html",
    undefined,
  ),
  body: fc.oneof(
    fc.constantFrom<string | Uint8Array>(...bodies, binary),
    fc.uint8Array({ maxLength: 20 }),
  ),
  encoding: fc.constantFrom(undefined, undefined, "identity", "gzip", "br"),
  headers: fc.dictionary(
    fc.constantFrom("X-One", "x-two", "Trailer-X-One", "trailer-x-three", "WWW-Authenticate"),
    fc.oneof(
      fc.constantFrom("", "a", "a, b", "Bearer realm=x"),
      fc.array(fc.constantFrom("a", "b", "c;d"), { minLength: 2, maxLength: 2 }),
    ),
  ),
});

describe("a call with the Connect protocol", () => {
  test("has the same outcome as with Connect's own transports", async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryResponses,
        fc.boolean(),
        fc.boolean(),
        async ({ status, type, body, encoding, headers }, useBinaryFormat, useHttpGet) => {
          const encoded =
            encoding === "gzip"
              ? gzipSync(body)
              : encoding === "br"
                ? brotliCompressSync(body)
                : body;
          const response = {
            status,
            body: encoded,
            headers: {
              ...headers,
              ...(type !== undefined && { "Content-Type": type }),
              ...(encoding !== undefined && { "Content-Encoding": encoding }),
            },
          };
          expectAgreement(await callAll(response, useBinaryFormat, useHttpGet));
        },
      ),
      { numRuns: 100 },
    );
  }, 60_000);

  test.each([
    ...bodies.map((body) => [200, body] as const),
    ...errors.map((error) => [400, JSON.stringify(error)] as const),
  ])("has the same outcome for status %i with the body %s", async (status, body) => {
    const headers = {
      "Content-Type": "application/json",
      "X-One": "1",
      "Trailer-X-Two": ["2", "3"],
    };
    expectAgreement(await callAll({ status, body, headers }, false, false));
  });

  test.each(["gzip", "br"])("decompresses %s", async (encoding) => {
    const body = encoding === "gzip" ? gzipSync(json) : brotliCompressSync(json);
    const headers = { "Content-Type": "application/json", "Content-Encoding": encoding };
    const outcomes = await callAll({ status: 200, body, headers }, false, false);
    for (const { response } of [outcomes.fetch, outcomes.undici, outcomes.nodeHttp]) {
      expect(response).toMatchObject({ bytes: hex(binary) });
    }
  });

  test.each([
    ["an unsupported encoding", "snappy", "{}"],
    ["invalid gzip", "gzip", "not gzip"],
  ])("fails for %s", async (_, encoding, body) => {
    current = {
      status: 200,
      body,
      headers: { "Content-Type": "application/json", "Content-Encoding": encoding },
    };
    const client = createClientOnUndici({ baseUrl: server.url });
    await expect(client.getRunner({ runnerId })).rejects.toMatchObject({ code: Code.Internal });
    await client.close();
  });
});
