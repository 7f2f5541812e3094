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
import { answer, type FailingServer, startFailingServer } from "../support/failing-server.ts";

interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly headers: Record<string, string | string[]>;
}

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const response = create(GetRunnerResponseSchema, {
  runner: { runnerId, name: "Läufer 🏃", status: { phase: 3, capabilities: [1, 11] } },
});
const json = JSON.stringify(toJson(GetRunnerResponseSchema, response));
const binary = toBinary(GetRunnerResponseSchema, response);
const detail = {
  type: "google.protobuf.FieldMask",
  value: base64Encode(
    toBinary(FieldMaskSchema, create(FieldMaskSchema, { paths: ["a"] })),
    "std_raw",
  ),
  debug: { paths: "a" },
};

const nodeHttp = createNodeHttpClient("http:");

/** What the server answers now. */
let current: Answer = { status: 200, body: "", headers: {} };
let server: FailingServer;

beforeAll(async () => {
  server = await startFailingServer([
    (response) => answer(current.status, current.body, current.headers)(response),
  ]);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Makes a call on each transport, ours and Connect's own, and returns what came of it. */
async function callAll(next: Answer, useBinaryFormat: boolean, useHttpGet: boolean) {
  current = next;
  const baseUrl = server.url;
  const ours = { baseUrl, useBinaryFormat, useHttpGet, retry: false } as const;
  const onUndici = createClientOnUndici(ours);
  const theirs = (transport: Transport) => createClient(RunnerService, transport);
  const format = { baseUrl, useBinaryFormat, useHttpGet };
  const outcomes = {
    fetch: await outcome(createRunnerClient(ours)),
    undici: await outcome(onUndici),
    nodeHttp: await outcome(createRunnerClientOverHttp(nodeHttp, ours)),
    web: await outcome(theirs(createWebTransport(format))),
    node: await outcome(theirs(createNodeTransport({ ...format, httpVersion: "1.1" }))),
  };
  await onUndici.close();
  return outcomes;
}

interface Outcome {
  readonly answer?: unknown;
  /** The error's code, its message if that came over the wire, and details. */
  readonly error?: { code: Code; message: string | undefined; details: unknown };
  readonly metadata?: ReturnType<typeof unionOf>;
}

async function outcome(client: RunnerClient): Promise<Outcome> {
  const got: Record<string, unknown> = {};
  try {
    const message = await client.getRunner(
      { runnerId },
      {
        onHeader: (header) => Object.assign(got, { header: entriesOf(header) }),
        onTrailer: (trailer) => Object.assign(got, { trailer: entriesOf(trailer) }),
      },
    );
    // Compared as bytes: Connect's own transport for Node.js has a Buffer for a Uint8Array at times.
    const bytes = hex(toBinary(GetRunnerResponseSchema, message));
    return { answer: { ...got, bytes } };
  } catch (reason) {
    const { code, rawMessage, details, metadata, isWireError } = ConnectError.from(reason);
    const message = isWireError && rawMessage !== "" ? rawMessage : undefined;
    return { metadata: unionOf(metadata), error: { code, message, details } };
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** All headers but those of the moment. */
function entriesOf(headers: Headers) {
  return [...headers].filter(([name]) => !/^(date|connection|keep-alive)$/.test(name));
}

/**
 * Headers and trailers as one. For errors that are none of Connect's, its own
 * transports leave trailers as they came, and may have everything twice.
 */
function unionOf(metadata: Headers) {
  const union = new Map<string, Set<string>>();
  for (const [name, value] of entriesOf(metadata)) {
    const key = name?.replace(/^trailer-/, "") ?? "";
    union.set(key, new Set([...(union.get(key) ?? []), ...(value?.split(/, ?/) ?? [])]));
  }
  return union;
}

type Outcomes = Awaited<ReturnType<typeof callAll>>;

function expectAgreement({ fetch, undici, nodeHttp, web, node }: Outcomes) {
  expect(fetch).toEqual(undici);
  expect(nodeHttp).toEqual(undici);
  // Of an answer that they cannot read, Connect's own transports tell nothing, and each has a code
  // of its own for it.
  if (tellsOfAnswer(node)) {
    expect(undici).toEqual(node);
  } else {
    expect(undici.error?.code).toBe(Code.Internal);
  }
  if (tellsOfAnswer(web)) {
    expect(fetch).toEqual(web);
  }
}

function tellsOfAnswer({ error, metadata }: Outcome): boolean {
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
  { code: "aborted", message: "details that are none", details: {} },
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

const answers = fc.record({
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

describe("a call by the Connect protocol", () => {
  test("comes to what it comes to on Connect's own transports", async () => {
    await fc.assert(
      fc.asyncProperty(
        answers,
        fc.boolean(),
        fc.boolean(),
        async ({ status, type, body, encoding, headers }, useBinaryFormat, useHttpGet) => {
          const encoded =
            encoding === "gzip"
              ? gzipSync(body)
              : encoding === "br"
                ? brotliCompressSync(body)
                : body;
          const next = {
            status,
            body: encoded,
            headers: {
              ...headers,
              ...(type !== undefined && { "Content-Type": type }),
              ...(encoding !== undefined && { "Content-Encoding": encoding }),
            },
          };
          expectAgreement(await callAll(next, useBinaryFormat, useHttpGet));
        },
      ),
      { numRuns: 100 },
    );
  }, 60_000);

  test.each([
    ...bodies.map((body) => [200, body] as const),
    ...errors.map((error) => [400, JSON.stringify(error)] as const),
  ])("comes to the same for %i with %s", async (status, body) => {
    const headers = {
      "Content-Type": "application/json",
      "X-One": "1",
      "Trailer-X-Two": ["2", "3"],
    };
    expectAgreement(await callAll({ status, body, headers }, false, false));
  });

  test.each(["gzip", "br"])("is understood when compressed with %s", async (encoding) => {
    const body = encoding === "gzip" ? gzipSync(json) : brotliCompressSync(json);
    const headers = { "Content-Type": "application/json", "Content-Encoding": encoding };
    const outcomes = await callAll({ status: 200, body, headers }, false, false);
    for (const { answer } of [outcomes.fetch, outcomes.undici, outcomes.nodeHttp]) {
      expect(answer).toMatchObject({ bytes: hex(binary) });
    }
  });

  test.each([
    ["an encoding that nobody knows", "snappy", "{}"],
    ["gzip that is none", "gzip", "not gzip"],
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
