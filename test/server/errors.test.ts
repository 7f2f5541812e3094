import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { GetRunnerRequestSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import {
  type RunnerStore,
  StoreUnreachableError,
  UnreadableRunnerError,
} from "../../src/server/index.ts";
import { connectRaw, rawPost } from "../support/raw.ts";
import { getRunnerPath, post, runner, startServer } from "../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });
const never: RunnerStore = { get: () => new Promise(() => {}) };
const failing = (error: unknown): RunnerStore => ({ get: () => Promise.reject(error) });

describe("the server", () => {
  test("returns 429 resource_exhausted for a body over the limit", async () => {
    const { url } = await startServer({ limits: { maxBodyBytes: 100 } });
    expect((await post(url, body)).status).toBe(200);
    expect(await post(url, body.padEnd(101))).toMatchObject({
      status: 429,
      body: { code: "resource_exhausted" },
    });
  });

  test("returns 429 for a body over 16 KiB by default", async () => {
    const { url } = await startServer();
    expect((await post(url, body.padEnd(16 * 1024))).status).toBe(200);
    expect((await post(url, body.padEnd(16 * 1024 + 1))).status).toBe(429);
  });

  test("returns 429 for a body over the limit after decompression", async () => {
    const { url } = await startServer();
    const response = await fetch(url + getRunnerPath, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Content-Encoding": "gzip" },
      body: gzipSync(body.padEnd(10_000_000)),
    });
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ code: "resource_exhausted" });
  });

  test("returns 504 deadline_exceeded when the caller's deadline passes", async () => {
    const { url } = await startServer({ store: never });
    expect(await post(url, body, { "Connect-Timeout-Ms": "20" })).toMatchObject({
      status: 504,
      body: { code: "deadline_exceeded" },
    });
  });

  test.each([
    ["Connect-Timeout-Ms", "9999999999", "application/json"],
    ["Grpc-Timeout", "99999999H", "application/grpc-web+json"],
  ])("accepts a very long timeout (%s: %s)", async (name, value, contentType) => {
    const { url } = await startServer({ store: { get: async () => runner } });
    const grpcWebBody = `\0\0\0\0${String.fromCharCode(body.length)}${body}`;
    const response = await fetch(url + getRunnerPath, {
      method: "POST",
      headers: { "Content-Type": contentType, [name]: value },
      body: contentType === "application/json" ? body : grpcWebBody,
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('"name":"one"');
  });

  test("returns 504 deadline_exceeded when its own request timeout passes", async () => {
    const { url } = await startServer({ store: never, limits: { requestTimeoutMs: 50 } });
    expect(await post(url, body)).toMatchObject({
      status: 504,
      body: { code: "deadline_exceeded" },
    });
  });

  test("returns 503 unavailable while the store is unreachable, and 200 after that", async () => {
    let reachable = false;
    const { url } = await startServer({
      store: {
        async get() {
          if (!reachable) {
            throw new StoreUnreachableError("connect ECONNREFUSED 10.0.0.7");
          }
          return runner;
        },
      },
    });
    const response = await post(url, body);
    expect(response).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(JSON.stringify(response.body)).not.toContain("10.0.0.7");
    reachable = true;
    expect((await post(url, body)).status).toBe(200);
  });

  test("returns 500 data_loss with the id when a stored runner cannot be read", async () => {
    const { url } = await startServer({
      store: failing(new UnreadableRunnerError(runner.runnerId)),
    });
    expect(await post(url, body)).toMatchObject({
      status: 500,
      body: { code: "data_loss", message: expect.stringContaining(runner.runnerId) },
    });
  });

  test("returns 500 internal without details for an unexpected error", async () => {
    const { url } = await startServer({ store: failing(new Error("password=secret")) });
    const response = await post(url, body);
    expect(response).toMatchObject({ status: 500, body: { code: "internal" } });
    expect(JSON.stringify([response.body, ...response.headers])).not.toContain("secret");
    expect(response.headers.get("X-Request-Id")).toMatch(/^\S+$/);
  });

  test.each([
    ["POST", "/gitpod.v1.RunnerService/ListRunners", "application/json", 404],
    ["POST", "/gitpod.v1.Runnerservice/GetRunner", "application/json", 404],
    ["POST", "/", "application/json", 404],
    ["POST", "/api", "application/json", 404],
    ["POST", `/api/api${getRunnerPath}`, "application/json", 404],
    ["PUT", getRunnerPath, "application/json", 405],
    ["DELETE", getRunnerPath, "application/json", 405],
    ["POST", getRunnerPath, "text/plain", 415],
    ["POST", getRunnerPath, "application/xml", 415],
    ["POST", "/healthz", "text/plain", 405],
  ])("responds to %s %s (content type %s) with %i", async (method, path, contentType, status) => {
    const { url } = await startServer();
    const headers = { "Content-Type": contentType };
    expect((await fetch(url + path, { method, headers, body })).status).toBe(status);
  });

  test("returns 400 invalid_argument for malformed binary", async () => {
    const { url } = await startServer();
    const response = await fetch(url + getRunnerPath, {
      method: "POST",
      headers: { "Content-Type": "application/proto" },
      body: Uint8Array.of(0xff, 0xff, 0xff),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_argument" });
  });

  test.each(["", "x=?&", "?&", "x?=1&"])(
    "returns 400 invalid_argument for a GET with malformed base64 in the query ?%s…",
    async (start) => {
      const { url } = await startServer();
      const query = `?${start}connect=v1&encoding=json&base64=1&message=*`;
      const response = await fetch(url + getRunnerPath + query);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_argument" });
    },
  );

  test("ignores the query of a POST", async () => {
    const { port } = await startServer({ store: { get: () => runner } });
    const connection = await connectRaw(port);
    connection.socket.write(rawPost(body).replace(" HTTP", "?base64=1&message=* HTTP"));
    await connection.until(/^HTTP\/1\.1 200 /);
  });

  test("accepts a GET with a Content-Type but no body", async () => {
    // Python's urllib sends this.
    const { url } = await startServer();
    const message = encodeURIComponent(body);
    const query = `?connect=v1&encoding=json&message=${message}`;
    const response = await fetch(url + getRunnerPath + query, {
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("Vary")).toBe("Accept-Encoding");
  });

  test("returns 405 with the allowed methods for a wrong HTTP method", async () => {
    const { url } = await startServer();
    const response = await fetch(url + getRunnerPath, { method: "DELETE" });
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "POST, GET"]);
  });

  test("accepts a Connect GET, with the message in JSON or in base64", async () => {
    const { url } = await startServer();
    const json = `${url}/api${getRunnerPath}?connect=v1&encoding=json&message=${encodeURIComponent(body)}`;
    expect((await fetch(json)).status).toBe(200);
    const bytes = toBinary(
      GetRunnerRequestSchema,
      create(GetRunnerRequestSchema, { runnerId: runner.runnerId }),
    );
    const message = Buffer.from(bytes).toString("base64url");
    const binary = `${url}${getRunnerPath}?connect=v1&encoding=proto&base64=1&message=${message}`;
    const response = await fetch(binary);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/proto");
  });
});

describe("when the caller disconnects,", () => {
  test("the signal of the store is aborted", async () => {
    const stopped = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    const { port } = await startServer({
      store: {
        async get(_, { signal }) {
          called.resolve();
          await once(signal, "abort");
          stopped.resolve();
          throw signal.reason;
        },
      },
    });
    const connection = await connectRaw(port);
    connection.socket.write(rawPost(body));
    await called.promise;
    connection.socket.destroy();
    await stopped.promise;
  });
});
