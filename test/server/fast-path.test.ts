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

// Larger than what Connect leaves uncompressed, and not in ASCII only.
const large = create(RunnerSchema, {
  runnerId: runner.runnerId,
  name: "Läufer 🏃",
  status: { message: "x".repeat(1500) },
});

/** A store, the same one without anything at hand, and how often either is asked. */
function stores() {
  const store = createMemoryRunnerStore([large]);
  const counts = { peek: 0, get: 0 };
  const withShortPath: RunnerStore = {
    get: (runnerId) => {
      counts.get += 1;
      return store.get(runnerId);
    },
    peek: (runnerId) => {
      counts.peek += 1;
      return store.peek(runnerId);
    },
  };
  const without: RunnerStore = { get: (runnerId) => store.get(runnerId) };
  return { withShortPath, without, counts };
}

/** What matters of an answer. */
async function outcome(url: string, { method, path, headers, body }: HostileRequest) {
  const response = await send(url + path, { method: method as "GET", headers, body });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const encoding = response.headers["content-encoding"];
  const plain =
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
    body: plain.toString("latin1"),
  };
}

describe("the short path", () => {
  test(`answers just as Connect does (seed ${seed})`, async () => {
    const { withShortPath, without, counts } = stores();
    const verifyToken = createTokenVerifier(["let-me-in"]);
    const limits = { requestTimeoutMs: 5000 };
    const short = await startServer({ store: withShortPath, verifyToken, limits });
    const long = await startServer({ store: without, verifyToken, limits });
    let succeeded = 0;
    const work = Array.from({ length: 16 }, async () => {
      for (let i = 0; i < 500; i++) {
        const made = chance(0.8) ? almostGoodRequest() : hostileRequest();
        const authorization = chance(0.95) ? "Bearer let-me-in" : "Bearer guess";
        const request = { ...made, headers: { ...made.headers, authorization } };
        // What the client itself refuses to send says nothing, and two scrapes differ.
        if (
          Object.values(request.headers).some((value) => /[^ -~]/.test(value)) ||
          made.path.startsWith("/metrics")
        ) {
          continue;
        }
        const [one, other] = await Promise.all([
          outcome(short.url, request),
          outcome(long.url, request),
        ]);
        expect(one, JSON.stringify(request)).toEqual(other);
        succeeded += one.status === 200 ? 1 : 0;
      }
    });
    await Promise.all(work);
    // It was taken, and not for everything.
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
  ] as const)(
    "answers a %s, compressed as the caller likes",
    async (_, method, path, headers, body) => {
      const { withShortPath, counts } = stores();
      const { url } = await startServer({ store: withShortPath });
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
        const answer = await outcome(url, {
          method,
          path,
          headers: { ...headers, ...(accepted && { "accept-encoding": accepted }) },
          body: body === null ? null : Buffer.from(body),
        });
        expect(answer.status).toBe(200);
        expect(answer.headers["content-encoding"]).toBe(chosen);
        expect(answer.body).toBe(expected.toString("latin1"));
      }
      expect(counts).toEqual({ peek: 4, get: 0 });
    },
  );

  test("is not taken when there are interceptors, which see all calls", async () => {
    const { withShortPath, counts } = stores();
    let seen = 0;
    const interceptor: Interceptor = (next) => (request) => {
      seen += 1;
      return next(request);
    };
    const { url } = await startServer({ store: withShortPath, interceptors: [interceptor] });
    expect((await post(url)).status).toBe(200);
    expect(seen).toBe(1);
    expect(counts).toEqual({ peek: 0, get: 1 });
  });

  test("is not taken for a runner whose id no valid request could name", async () => {
    const store = createMemoryRunnerStore([create(RunnerSchema, { runnerId: "runnerId" })]);
    const { url } = await startServer({ store });
    expect(await post(url, '{"runnerId":"runnerId"}')).toMatchObject({
      status: 400,
      body: { code: "invalid_argument" },
    });
  });

  test("serves what is stored now, not what was", async () => {
    const store = createMemoryRunnerStore([runner]);
    const { url } = await startServer({ store });
    const nameNow = async () =>
      ((await post(url)).body as { runner: { name: string } }).runner.name;
    expect(await nameNow()).toBe("one");
    store.set(create(RunnerSchema, { runnerId: runner.runnerId, name: "two" }));
    expect(await nameNow()).toBe("two");
    store.delete(runner.runnerId);
    expect((await post(url)).status).toBe(404);
  });
});
