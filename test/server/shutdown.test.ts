import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createRunnerServer, type RunnerStore } from "../../src/server/index.ts";
import { connectRaw, rawPost } from "../support/raw.ts";
import { post, runner, startServer } from "../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });

/** Creates a store whose results are held back until `open` is called. */
function createGatedStore(): RunnerStore & { called: Promise<void>; open: () => void } {
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<typeof runner>();
  return {
    get: () => {
      called.resolve();
      return gate.promise;
    },
    called: called.promise,
    open: () => gate.resolve(runner),
  };
}

describe("closing", () => {
  test("finishes the call in progress, and closes the connection", async () => {
    const store = createGatedStore();
    const server = await startServer({ store });
    const connection = await connectRaw(server.port);
    connection.socket.write(rawPost(body));
    await store.called;
    const closed = server.close();
    store.open();
    await connection.until(/"name":"one"/);
    expect(connection.received).toMatch(/^HTTP\/1\.1 200 /);
    await connection.closed;
    await closed;
  });

  test("finishes the call in progress over HTTP/2", async () => {
    const store = createGatedStore();
    const server = await startServer({ store });
    const transport = createGrpcTransport({ baseUrl: server.url });
    const response = createClient(RunnerService, transport).getRunner({
      runnerId: runner.runnerId,
    });
    await store.called;
    const closed = server.close();
    store.open();
    expect((await response).runner).toEqual(runner);
    await closed;
  });

  test("accepts no new connections", async () => {
    const server = await startServer();
    await server.close();
    await expect(post(server.url)).rejects.toThrow();
  });

  test("happens at the end of the block with `await using`", async () => {
    let url: string;
    {
      await using server = createRunnerServer({ store: { get: () => runner }, port: 0 });
      url = await server.start();
      expect((await post(url)).status).toBe(200);
    }
    await expect(post(url)).rejects.toThrow();
  });

  test("happens once, however often it is requested", async () => {
    await using server = createRunnerServer({ store: { get: () => runner }, port: 0 });
    await server.start();
    await Promise.all([server.close(), server.close()]);
    await server.close();
  });

  test("does nothing to a server that was never started", async () => {
    await using server = createRunnerServer({ store: { get: () => runner }, port: 0 });
    expect(server.url).toBeUndefined();
  });

  test("reports not ready on open connections", async () => {
    const store = createGatedStore();
    const server = await startServer({ store });
    const busy = await connectRaw(server.port);
    busy.socket.write(rawPost(body));
    await store.called;
    const probe = await connectRaw(server.port);
    probe.socket.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await probe.until(/^HTTP\/1\.1 200 /);
    const closed = server.close();
    probe.socket.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await probe.until(/HTTP\/1\.1 503 /);
    store.open();
    await closed;
  });

  test("closes idle connections", async () => {
    const server = await startServer();
    const silent = await connectRaw(server.port);
    const used = await connectRaw(server.port);
    used.socket.write(rawPost(body));
    await used.until(/"name":"one"/);
    const session = connectHttp2(server.url);
    onTestFinished(() => session.destroy());
    await once(session, "connect");
    await server.close({ timeoutMs: 60_000 });
    await Promise.all([silent.closed, used.closed]);
  });

  test("destroys connections that are not finished in time", async () => {
    const store = createGatedStore();
    const server = await startServer({ store });
    const connection = await connectRaw(server.port);
    connection.socket.write(rawPost(body));
    await store.called;
    await server.close({ timeoutMs: 50 });
    await connection.closed;
  });

  test.each(["1.1", "2"] as const)(
    "under load over HTTP/%s, responds to every accepted request",
    async (httpVersion) => {
      let accepted = 0;
      const server = await startServer({
        store: {
          async get() {
            accepted += 1;
            await new Promise((resolve) => setTimeout(resolve, accepted % 5));
            return runner;
          },
        },
      });
      const transport = createConnectTransport({ baseUrl: server.url, httpVersion });
      const client = createClient(RunnerService, transport);
      let succeeded = 0;
      const load = Array.from({ length: 16 }, async () => {
        // Until the server accepts no more.
        for (;;) {
          try {
            await client.getRunner({ runnerId: runner.runnerId });
            succeeded += 1;
          } catch {
            return;
          }
        }
      });
      while (succeeded < 200) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await server.close();
      await Promise.all(load);
      expect(succeeded).toBe(accepted);
    },
  );
});
