import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { request as send } from "undici";
import { describe, expect, test } from "vitest";
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

/** Sends a request, and returns what must be equal in two responses. */
async function outcome(url: string, { method, path, headers, body }: HostileRequest) {
  const response = await send(url + path, { method: method as "GET", headers, body });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const encoding = response.headers["content-encoding"];
  const decoded =
    encoding === "gzip"
      ? gunzipSync(bytes)
      : encoding === "br"
        ? brotliDecompressSync(bytes)
        : bytes;
  const {
    date: _,
    "content-length": length,
    "x-request-id": requestId,
    "transfer-encoding": _transfer,
    ...rest
  } = response.headers;
  return {
    status: response.statusCode,
    headers: rest,
    trailers: response.trailers,
    hasLength: length !== undefined,
    hasRequestId: requestId !== undefined,
    body: decoded.toString("latin1"),
  };
}

describe("the fast path", () => {
  test(`responds exactly as Connect does (seed ${seed})`, async () => {
    const { withPeek, withoutPeek, counts } = createStores();
    const verifyToken = createTokenVerifier(["let-me-in"]);
    const limits = { requestTimeoutMs: 5000 };
    const fast = await startServer({ store: withPeek, verifyToken, limits });
    const slow = await startServer({ store: withoutPeek, verifyToken, limits });
    let succeeded = 0;
    const work = Array.from({ length: 16 }, async () => {
      for (let i = 0; i < 500; i++) {
        const generated = chance(0.8) ? almostGoodRequest() : hostileRequest();
        const authorization = chance(0.95) ? "Bearer let-me-in" : "Bearer guess";
        const request = { ...generated, headers: { ...generated.headers, authorization } };
        // The client refuses to send some headers, and two scrapes of the metrics differ.
        if (
          Object.values(request.headers).some((value) => /[^ -~]/.test(value)) ||
          generated.path.startsWith("/metrics")
        ) {
          continue;
        }
        const [one, other] = await Promise.all([
          outcome(fast.url, request),
          outcome(slow.url, request),
        ]);
        expect(one, JSON.stringify(request)).toEqual(other);
        succeeded += one.status === 200 ? 1 : 0;
      }
    });
    await Promise.all(work);
    // Many requests took the fast path, and many succeeded.
    expect(counts.peek).toBeGreaterThan(1000);
    expect(succeeded).toBeGreaterThan(1000);
  }, 120_000);

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
      const actual = await outcome(url, {
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
