import { connect } from "node:http2";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { Pool } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  GetRunnerRequestSchema,
  GetRunnerResponseSchema,
  RunnerSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import {
  createMemoryRunnerStore,
  createTokenVerifier,
  type RunnerStore,
} from "../../src/server/index.ts";
import {
  almostGoodRequest,
  chance,
  type HostileRequest,
  hostileRequest,
  seed,
} from "../support/hostile-requests.ts";
import { getRunnerPath, post, runner, startServer } from "../support/server.ts";

// Large enough for Connect to compress it, and not only ASCII.
const large = create(RunnerSchema, {
  runnerId: runner.runnerId,
  name: "Läufer 🏃",
  status: { message: "x".repeat(1500) },
});

/** Creates a store with `peek`, the same store without it, and call counts of the first one. */
function createStores() {
  const store = createMemoryRunnerStore([large]);
  const counts = { peek: 0, get: 0 };
  const withPeek: RunnerStore = {
    get: (runnerId) => {
      counts.get += 1;
      return store.get(runnerId);
    },
    peek: (runnerId) => {
      counts.peek += 1;
      return store.peek(runnerId);
    },
  };
  const withoutPeek: RunnerStore = { get: (runnerId) => store.get(runnerId) };
  return { withPeek, withoutPeek, counts };
}

/** Sends a request, and returns its status, headers, trailers and body. */
type Send = (request: HostileRequest) => Promise<{
  status: number;
  headers: Record<string, unknown>;
  trailers: Record<string, unknown>;
  body: Buffer;
}>;

/** Sends requests over HTTP/1.1, with the target exactly as it is in the request. */
function sendOverHttp1(url: string): Send {
  const pool = new Pool(url, { connections: 16 });
  onTestFinished(() => pool.destroy());
  return async ({ method, path, headers, body }) => {
    const response = await pool.request({ method: method as "GET", path, headers, body });
    return {
      status: response.statusCode,
      headers: response.headers,
      trailers: response.trailers,
      body: Buffer.from(await response.body.arrayBuffer()),
    };
  };
}

/** Sends requests over HTTP/2, with the target exactly as it is in the request. */
function sendOverHttp2(url: string): Send {
  const session = connect(url);
  onTestFinished(() => session.destroy());
  return ({ method, path, headers, body }) =>
    new Promise((resolve) => {
      const stream = session.request({ ":method": method, ":path": path, ...headers });
      let received: Record<string, unknown> = {};
      let trailers = {};
      const chunks: Buffer[] = [];
      let status = 0;
      stream.on("response", ({ ":status": code, ...rest }) => {
        status = Number(code);
        received = rest;
      });
      stream.on("trailers", (fields) => {
        trailers = { ...fields };
      });
      stream.on("data", (chunk) => chunks.push(chunk));
      stream.on("error", () => {
        status = -stream.rstCode;
      });
      stream.on("close", () =>
        resolve({ status, headers: received, trailers, body: Buffer.concat(chunks) }),
      );
      stream.end(body ?? undefined);
    });
}

/** Sends a request, and returns what must be equal in two responses. */
async function outcome(send: Send, request: HostileRequest) {
  const { headers, body, ...response } = await send(request);
  const encoding = headers["content-encoding"];
  const decoded =
    encoding === "gzip" ? gunzipSync(body) : encoding === "br" ? brotliDecompressSync(body) : body;
  const { date: _, "x-request-id": requestId, "transfer-encoding": _transfer, ...rest } = headers;
  return {
    ...response,
    headers: rest,
    hasRequestId: requestId !== undefined,
    size: body.length,
    body: decoded.toString("latin1"),
  };
}

describe("the fast path", () => {
  test.each([
    ["HTTP/1.1", sendOverHttp1],
    ["HTTP/2", sendOverHttp2],
  ])(
    `responds exactly as Connect does over %s (seed ${seed})`,
    async (version, sendOver) => {
      const { withPeek, withoutPeek, counts } = createStores();
      const verifyToken = createTokenVerifier(["let-me-in"]);
      const limits = { requestTimeoutMs: 60_000 };
      const fast = await startServer({ store: withPeek, verifyToken, limits });
      const slow = await startServer({ store: withoutPeek, verifyToken, limits });
      const [sendToFast, sendToSlow] = [sendOver(fast.url), sendOver(slow.url)];
      let succeeded = 0;
      const work = Array.from({ length: 16 }, async () => {
        for (let i = 0; i < 500; i++) {
          const generated = chance(0.8) ? almostGoodRequest() : hostileRequest();
          const authorization = chance(0.95) ? "Bearer let-me-in" : "Bearer guess";
          const request = { ...generated, headers: { ...generated.headers, authorization } };
          // The client refuses to send some headers, and two scrapes of the metrics differ.
          if (
            Object.values(request.headers).some((value) => /[^ -~]/.test(value)) ||
            generated.path.startsWith("/metrics") ||
            (version === "HTTP/2" && !generated.path.startsWith("/"))
          ) {
            continue;
          }
          const [one, other] = await Promise.all([
            outcome(sendToFast, request),
            outcome(sendToSlow, request),
          ]);
          expect(one, JSON.stringify(request)).toEqual(other);
          succeeded += one.status === 200 ? 1 : 0;
        }
      });
      await Promise.all(work);
      // Many requests took the fast path, and many succeeded.
      expect(counts.peek).toBeGreaterThan(1000);
      expect(succeeded).toBeGreaterThan(1000);
    },
    120_000,
  );

  const id = large.runnerId;
  const binary = toBinary(GetRunnerRequestSchema, create(GetRunnerRequestSchema, { runnerId: id }));
  const json = JSON.stringify({ runnerId: id });

  test.each([
    ["POST, JSON", "POST", getRunnerPath, { "content-type": "application/json" }, json],
    ["POST, binary", "POST", getRunnerPath, { "content-type": "application/proto" }, binary],
    [
      "GET, JSON",
      "GET",
      `${getRunnerPath}?connect=v1&encoding=json&message=${encodeURIComponent(json)}`,
      {},
      null,
    ],
    [
      "GET, binary",
      "GET",
      `${getRunnerPath}?connect=v1&base64=1&encoding=proto&message=${Buffer.from(binary).toString("base64url")}`,
      {},
      null,
    ],
  ] as const)("serves a %s, compressed as negotiated", async (_, method, path, headers, body) => {
    const { withPeek, counts } = createStores();
    const { url } = await startServer({ store: withPeek });
    const response = create(GetRunnerResponseSchema, { runner: large });
    const expected =
      headers["content-type" as keyof typeof headers] === "application/proto" ||
      path.includes("proto")
        ? Buffer.from(toBinary(GetRunnerResponseSchema, response))
        : Buffer.from(toJsonString(GetRunnerResponseSchema, response));
    for (const [accepted, chosen] of [
      [undefined, undefined],
      ["gzip, deflate, br", "gzip"],
      ["br, gzip", "br"],
      ["zstd", undefined],
    ]) {
      const actual = await outcome(sendOverHttp1(url), {
        method,
        path,
        headers: { ...headers, ...(accepted && { "accept-encoding": accepted }) },
        body: body === null ? null : Buffer.from(body),
      });
      expect(actual.status).toBe(200);
      expect(actual.headers["content-encoding"]).toBe(chosen);
      expect(actual.body).toBe(expected.toString("latin1"));
    }
    expect(counts).toEqual({ peek: 4, get: 0 });
  });

  test("is not used with interceptors, which see all calls", async () => {
    const { withPeek, counts } = createStores();
    let seen = 0;
    const interceptor: Interceptor = (next) => (request) => {
      seen += 1;
      return next(request);
    };
    const { url } = await startServer({ store: withPeek, interceptors: [interceptor] });
    expect((await post(url)).status).toBe(200);
    expect(seen).toBe(1);
    expect(counts).toEqual({ peek: 0, get: 1 });
  });

  test("is not used for a runner whose id is invalid in a request", async () => {
    const store = createMemoryRunnerStore([create(RunnerSchema, { runnerId: "runnerId" })]);
    const { url } = await startServer({ store });
    expect(await post(url, '{"runnerId":"runnerId"}')).toMatchObject({
      status: 400,
      body: { code: "invalid_argument" },
    });
  });

  test("serves the current version of a runner", async () => {
    const store = createMemoryRunnerStore([runner]);
    const { url } = await startServer({ store });
    const currentName = async () =>
      ((await post(url)).body as { runner: { name: string } }).runner.name;
    expect(await currentName()).toBe("one");
    store.set(create(RunnerSchema, { runnerId: runner.runnerId, name: "two" }));
    expect(await currentName()).toBe("two");
    store.delete(runner.runnerId);
    expect((await post(url)).status).toBe(404);
  });
});
