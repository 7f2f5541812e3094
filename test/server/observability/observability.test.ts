import { connect as connectHttp2, constants } from "node:http2";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, test, vi } from "vitest";
import { RunnerService } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import {
  createTokenVerifier,
  type RunnerStore,
  StoreUnreachableError,
  UnreadableRunnerError,
} from "../../../src/server/index.ts";
import { createLog } from "../../support/log.ts";
import { connectRaw, rawPost } from "../../support/raw.ts";
import { getRunnerPath, post, runner, startServer, unknownId } from "../../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });

const transports = {
  connect: createConnectTransport,
  grpc: createGrpcTransport,
  "grpc-web": createGrpcWebTransport,
} as const;

describe("the log", () => {
  test.each(Object.keys(transports) as (keyof typeof transports)[])(
    "has one line for each %s call",
    async (protocol) => {
      const log = createLog();
      const { url } = await startServer({ logger: log.logger });
      const transport = transports[protocol]({ baseUrl: url, httpVersion: "2" });
      const client = createClient(RunnerService, transport);
      for (const runnerId of [runner.runnerId, unknownId, "nope"]) {
        await client
          .getRunner({ runnerId }, { headers: { "X-Request-Id": `of-${runnerId}` } })
          .catch(() => {});
      }
      await vi.waitUntil(() => log.lines.length >= 3);
      const line = (runnerId: string, code: string) => ({
        level: 30,
        requestId: `of-${runnerId}`,
        protocol,
        method: "GetRunner",
        runnerId,
        code,
        durationMs: expect.any(Number),
        msg: `GetRunner ${code}`,
      });
      expect(log.lines).toMatchObject([
        line(runner.runnerId, "ok"),
        line(unknownId, "not_found"),
        line("nope", "invalid_argument"),
      ]);
    },
  );

  test.each([
    ["{", { "Content-Type": "application/json" }, "invalid_argument"],
    ["\xff", { "Content-Type": "application/proto" }, "invalid_argument"],
    [body.padEnd(20_000), {}, "resource_exhausted"],
    [body, { "Content-Encoding": "rot13" }, "unimplemented"],
    [body, { "Content-Encoding": "gzip" }, "invalid_argument"],
    [body, { "Connect-Timeout-Ms": "soon" }, "invalid_argument"],
    [body, { "Connect-Timeout-Ms": "0" }, "deadline_exceeded"],
    [body, { "Content-Type": "text/plain" }, "http_415"],
    ["", { "Content-Type": "application/grpc" }, "unimplemented"],
  ] as const)("has the code of %j %j: %s", async (text, headers, code) => {
    const log = createLog();
    const { url } = await startServer({ logger: log.logger });
    await post(url, text, headers);
    await vi.waitUntil(() => log.lines.length >= 1);
    expect(log.lines).toMatchObject([{ level: 30, code }]);
  });

  test.each([
    [new Error("internal details"), "internal", "internal details"],
    [new StoreUnreachableError("10.0.0.7 is down"), "unavailable", "10.0.0.7 is down"],
    [
      new UnreadableRunnerError(runner.runnerId, { cause: new Error("bad bytes") }),
      "data_loss",
      "bad bytes",
    ],
  ])(
    "has the details of %s, under the request id that the caller gets",
    async (error, code, details) => {
      const log = createLog();
      const store: RunnerStore = { get: () => Promise.reject(error) };
      const { url } = await startServer({ logger: log.logger, store });
      const response = await post(url);
      await vi.waitUntil(() => log.lines.length >= 1);
      expect(log.lines).toMatchObject([
        { level: 50, code, requestId: response.headers.get("X-Request-Id") },
      ]);
      expect(JSON.stringify(log.lines)).toContain(details);
    },
  );

  test("has a line for a caller that disconnects", async () => {
    const log = createLog();
    const called = Promise.withResolvers<void>();
    const { port } = await startServer({
      logger: log.logger,
      store: {
        get: () => {
          called.resolve();
          return new Promise(() => {});
        },
      },
    });
    const connection = await connectRaw(port);
    connection.socket.write(rawPost(body));
    await called.promise;
    connection.socket.destroy();
    await vi.waitUntil(() => log.lines.length >= 1);
    expect(log.lines).toMatchObject([{ level: 30, code: "canceled", runnerId: runner.runnerId }]);
  });

  test("has a line for a caller that disconnects in the middle of the body", async () => {
    const log = createLog();
    const { port, url } = await startServer({ logger: log.logger });
    const connection = await connectRaw(port);
    connection.socket.write(rawPost(body).slice(0, -5));
    const session = connectHttp2(url);
    const stream = session.request({
      ":method": "POST",
      ":path": getRunnerPath,
      "content-type": "application/json",
    });
    stream.on("error", () => {});
    stream.write(body.slice(0, -5));
    // Both requests have reached the server once it has responded to a later one.
    await post(url);
    await vi.waitUntil(() => log.lines.length === 1);
    connection.socket.destroy();
    stream.close(constants.NGHTTP2_CANCEL);
    await vi.waitUntil(() => log.lines.length === 3);
    session.destroy();
    expect(log.lines.map(({ code }) => code)).toEqual(["ok", "canceled", "canceled"]);
  });

  test("never contains a token", async () => {
    const log = createLog();
    const { url } = await startServer({
      logger: log.logger,
      verifyToken: createTokenVerifier(["secret-token"]),
    });
    await post(url, body, { Authorization: "Bearer secret-token" });
    await post(url, body, { Authorization: "Bearer secret-tokem" });
    await post(url, "{", { Authorization: "Bearer secret-token" });
    await vi.waitUntil(() => log.lines.length >= 3);
    expect(log.lines.map(({ code }) => code)).toEqual([
      "ok",
      "unauthenticated",
      "invalid_argument",
    ]);
    expect(JSON.stringify(log.lines)).not.toContain("secret-toke");
  });
});

describe("request ids", () => {
  test.each([
    ["mine-1", "mine-1"],
    ["x".repeat(128), "x".repeat(128)],
    ["x".repeat(129), expect.stringMatching(/^[0-9a-f]{16}-\w+$/)],
    ["with space", expect.stringMatching(/^[0-9a-f]{16}-\w+$/)],
  ])("%s is returned as %s", async (sent, received) => {
    const { url } = await startServer();
    const { headers } = await post(url, body, { "X-Request-Id": sent });
    expect(headers.get("X-Request-Id")).toEqual(received);
  });

  test("are different for each call", async () => {
    const { url } = await startServer();
    const ids = [await post(url), await post(url)].map(({ headers }) =>
      headers.get("X-Request-Id"),
    );
    expect(new Set(ids).size).toBe(2);
  });
});

describe("the metrics", () => {
  test("count calls by protocol, method and code, and measure their duration", async () => {
    const { url } = await startServer();
    await post(url);
    await post(url);
    await post(url, "{");
    await fetch(url + getRunnerPath, { method: "POST", headers: { "Content-Type": "text/plain" } });
    const text = await metricsOf(url);
    expect(text).toContain(
      'runner_server_calls_total{protocol="connect",method="GetRunner",code="ok"} 2',
    );
    expect(text).toContain(
      'runner_server_calls_total{protocol="connect",method="GetRunner",code="invalid_argument"} 1',
    );
    expect(text).toContain(
      'runner_server_calls_total{protocol="connect",method="GetRunner",code="http_415"} 1',
    );
    expect(text).toContain('runner_server_call_duration_seconds_count{protocol="connect"} 4');
    expect(text).toContain("runner_server_calls_in_flight 0");
  });

  test("have the number of calls in progress", async () => {
    const called = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<typeof runner>();
    const { url } = await startServer({
      store: {
        get: () => {
          called.resolve();
          return gate.promise;
        },
      },
    });
    const response = post(url);
    await called.promise;
    expect(await metricsOf(url)).toContain("runner_server_calls_in_flight 1");
    gate.resolve(runner);
    await response;
  });

  test("of two servers in one process are separate", async () => {
    const [one, two] = [await startServer(), await startServer()];
    await post(one.url);
    expect(await metricsOf(one.url)).toContain("runner_server_calls_total{");
    expect(await metricsOf(two.url)).not.toContain("runner_server_calls_total{");
  });
});

describe("the probes", () => {
  test.each(["/healthz", "/readyz"])("%s responds with ok", async (path) => {
    const { url } = await startServer();
    const response = await fetch(url + path);
    expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
    expect((await fetch(url + path, { method: "HEAD" })).status).toBe(200);
  });

  test("need no token", async () => {
    const { url } = await startServer({ verifyToken: createTokenVerifier(["one"]) });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
});

async function metricsOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}
