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

describe("the server's answer when", () => {
  test("the body is larger than the limit is 429 resource_exhausted", async () => {
    const { url } = await startServer({ limits: { maxBodyBytes: 100 } });
    expect((await post(url, body)).status).toBe(200);
    expect(await post(url, body.padEnd(101))).toMatchObject({
      status: 429,
      body: { code: "resource_exhausted" },
    });
  });

  test("the body is larger than 16 KiB, the default, is 429", async () => {
    const { url } = await startServer();
    expect((await post(url, body.padEnd(16 * 1024))).status).toBe(200);
    expect((await post(url, body.padEnd(16 * 1024 + 1))).status).toBe(429);
  });

  test("the body is larger than the limit once it is decompressed is 429", async () => {
    const { url } = await startServer();
    const response = await fetch(url + getRunnerPath, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Content-Encoding": "gzip" },
      body: gzipSync(body.padEnd(10_000_000)),
    });
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ code: "resource_exhausted" });
  });

  test("the caller's deadline passes is 504 deadline_exceeded", async () => {
    const { url } = await startServer({ store: never });
    expect(await post(url, body, { "Connect-Timeout-Ms": "20" })).toMatchObject({
      status: 504,
      body: { code: "deadline_exceeded" },
    });
  });

  test.each([
    ["Connect-Timeout-Ms", "9999999999", "application/json"],
    ["Grpc-Timeout", "99999999H", "application/grpc-web+json"],
  ])(
    "the caller's deadline is very far away (%s: %s) is that of any other",
    async (name, value, contentType) => {
      const { url } = await startServer({ store: { get: async () => runner } });
      const grpcWebBody = `\0\0\0\0${String.fromCharCode(body.length)}${body}`;
      const answer = await fetch(url + getRunnerPath, {
        method: "POST",
        headers: { "Content-Type": contentType, [name]: value },
        body: contentType === "application/json" ? body : grpcWebBody,
      });
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('"name":"one"');
    },
  );

  test("the server's own limit on time passes is 504 deadline_exceeded", async () => {
    const { url } = await startServer({ store: never, limits: { requestTimeoutMs: 50 } });
    expect(await post(url, body)).toMatchObject({
      status: 504,
      body: { code: "deadline_exceeded" },
    });
  });

  test("the store is unreachable is 503 unavailable, and 200 once it is back", async () => {
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
    const answer = await post(url, body);
    expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(JSON.stringify(answer.body)).not.toContain("10.0.0.7");
    reachable = true;
    expect((await post(url, body)).status).toBe(200);
  });

  test("the stored runner cannot be read is 500 data_loss, naming the id", async () => {
    const { url } = await startServer({
      store: failing(new UnreadableRunnerError(runner.runnerId)),
    });
    expect(await post(url, body)).toMatchObject({
      status: 500,
      body: { code: "data_loss", message: expect.stringContaining(runner.runnerId) },
    });
  });

  test("anything unforeseen happens is 500 internal, with no word of the inside", async () => {
    const { url } = await startServer({ store: failing(new Error("password=secret")) });
    const answer = await post(url, body);
    expect(answer).toMatchObject({ status: 500, body: { code: "internal" } });
    expect(JSON.stringify([answer.body, ...answer.headers])).not.toContain("secret");
    expect(answer.headers.get("X-Request-Id")).toMatch(/^\S+$/);
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
  ])("it is asked for %s %s with %s is %i", async (method, path, contentType, status) => {
    const { url } = await startServer();
    const headers = { "Content-Type": contentType };
    expect((await fetch(url + path, { method, headers, body })).status).toBe(status);
  });

  test("malformed binary is 400 invalid_argument", async () => {
    const { url } = await startServer();
    const response = await fetch(url + getRunnerPath, {
      method: "POST",
      headers: { "Content-Type": "application/proto" },
      body: Uint8Array.of(0xff, 0xff, 0xff),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_argument" });
  });

  test("a GET names the type of a body that is not there is that of any other GET", async () => {
    // As urllib, and with it a client in Python, does.
    const { url } = await startServer();
    const message = encodeURIComponent(body);
    const query = `?connect=v1&encoding=json&message=${message}`;
    const response = await fetch(url + getRunnerPath + query, {
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("Vary")).toBe("Accept-Encoding");
  });

  test("the HTTP method is wrong tells which are right", async () => {
    const { url } = await startServer();
    const response = await fetch(url + getRunnerPath, { method: "DELETE" });
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "POST, GET"]);
  });

  test("a Connect GET is right is 200, and that with the message in base64 too", async () => {
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

describe("when the caller goes away,", () => {
  test("the store is told to stop", async () => {
    const stopped = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const { port } = await startServer({
      store: {
        async get(_, { signal }) {
          asked.resolve();
          await once(signal, "abort");
          stopped.resolve();
          throw signal.reason;
        },
      },
    });
    const connection = await connectRaw(port);
    connection.socket.write(rawPost(body));
    await asked.promise;
    connection.socket.destroy();
    await stopped.promise;
  });
});
