import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { pino } from "pino";
import { Registry } from "prom-client";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createMemoryRunnerStore, type RunnerServerOptions } from "../../src/server/index.ts";
import { createLog } from "../support/log.ts";
import { connectRaw, rawPost } from "../support/raw.ts";
import { post, runner, startServer } from "../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });
const secret = new Error("password=secret");
const fail = () => {
  throw secret;
};

// Code of the caller's own, where a mistake must fail the call and not the process.
const mistakes: Record<string, Partial<RunnerServerOptions>> = {
  "the peek of a store": { store: { get: () => runner, peek: fail } },
  "the encoding of a runner": {
    store: { get: () => runner, peek: (runnerId) => ({ runnerId, runner, encode: fail }) },
  },
  verifyToken: { verifyToken: fail },
};

describe.each(Object.entries(mistakes))("an error thrown by %s", (_, options) => {
  async function startLogged() {
    const log = createLog();
    const server = await startServer({ ...options, logger: log.logger });
    return { ...server, lines: log.lines };
  }

  test.each([
    ["in one chunk", []],
    ["in two chunks", [20]],
  ])("is an internal error over HTTP/1.1 %s", async (_, [split]) => {
    const { port, lines } = await startLogged();
    const { socket, until } = await connectRaw(port);
    const request = rawPost(body, ["Authorization: Bearer one"]);
    socket.write(request.slice(0, split));
    if (split !== undefined) {
      setTimeout(() => socket.write(request.slice(split)), 20);
    }
    await until(/^HTTP\/1\.1 500 [\s\S]*"code":"internal"/);
    await vi.waitUntil(() => lines.length > 0);
    expect(lines).toMatchObject([
      { level: 50, code: "internal", err: { message: secret.message } },
    ]);
    // The server still runs.
    socket.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(/ok\n$/);
  });

  test.each([
    ["Connect", createConnectTransport],
    ["Connect GET", (options) => createConnectTransport({ ...options, useHttpGet: true } as never)],
    ["gRPC", createGrpcTransport],
    ["gRPC-Web", createGrpcWebTransport],
  ] as [string, typeof createGrpcWebTransport][])(
    "is an internal error over HTTP/2 in %s",
    async (protocol, createTransport) => {
      const { url, lines } = await startLogged();
      const transport = createTransport({ baseUrl: url, httpVersion: "2" });
      const client = createClient(RunnerService, transport);
      const call = client.getRunner(
        { runnerId: runner.runnerId },
        { headers: { Authorization: "Bearer one" } },
      );
      // The fast path does not serve gRPC, so it does not call peek.
      const usesFastPath = protocol.startsWith("Connect") || "verifyToken" in options;
      const outcome = await call.then(
        () => "ok",
        (error) => ConnectError.from(error),
      );
      if (!usesFastPath) {
        expect(outcome).toBe("ok");
        return;
      }
      expect(outcome).toMatchObject({ code: Code.Internal, rawMessage: "internal error" });
      await vi.waitUntil(() => lines.length > 0);
      expect(lines).toMatchObject([{ code: "internal", err: { message: secret.message } }]);
    },
  );
});

test("a verifyToken that returns something other than true accepts no token", async () => {
  const verifyToken = (async () => false) as unknown as (token: string) => boolean;
  const { url } = await startServer({ verifyToken });
  expect((await post(url, body, { Authorization: "Bearer one" })).status).toBe(401);
});

test("an error thrown by the logger fails neither the call nor the process", async () => {
  const warnings: string[] = [];
  const onWarning = ({ message }: Error) => warnings.push(message);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  const logger = pino({ hooks: { logMethod: fail } });
  for (const store of [createMemoryRunnerStore([runner]), { get: () => runner }]) {
    const { url } = await startServer({ logger, store });
    expect((await post(url)).status).toBe(200);
    expect((await fetch(`${url}/nope`)).status).toBe(404);
    const transport = createConnectTransport({ baseUrl: url, httpVersion: "2" });
    const client = createClient(RunnerService, transport);
    expect((await client.getRunner({ runnerId: runner.runnerId })).runner).toEqual(runner);
  }
  await vi.waitUntil(() => warnings.length >= 6);
  expect(warnings[0]).toContain(secret.message);
});

test("an error in a metric of the caller's own is logged", async () => {
  const registry = new Registry();
  const { logger, lines } = createLog();
  const metric = { name: "mine", get: () => Promise.reject(secret), reset: () => {} };
  registry.registerMetric(metric as never);
  const { url } = await startServer({ registry, logger });
  const response = await fetch(`${url}/metrics`);
  expect([response.status, await response.text()]).toEqual([500, ""]);
  expect(lines).toMatchObject([{ level: 50, err: { message: secret.message } }]);
});
