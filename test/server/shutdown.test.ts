import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import type { RunnerStore } from "../../src/server/index.ts";
import { connectRaw, rawPost } from "../support/raw.ts";
import { post, runner, startServer } from "../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });

/** A store that answers when it is told to. */
function gatedStore(): RunnerStore & { asked: Promise<void>; open: () => void } {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<typeof runner>();
  return {
    get: () => {
      asked.resolve();
      return gate.promise;
    },
    asked: asked.promise,
    open: () => gate.resolve(runner),
  };
}

describe("closing", () => {
  test("finishes the call under way, and says that the connection ends", async () => {
    const store = gatedStore();
    const server = await startServer({ store });
    const connection = await connectRaw(server.port);
    connection.socket.write(rawPost(body));
    await store.asked;
    const closed = server.close();
    store.open();
    await connection.until(/"name":"one"/);
    expect(connection.received).toMatch(/^HTTP\/1\.1 200 /);
    await connection.closed;
    await closed;
  });

  test("finishes the call under way over HTTP/2", async () => {
    const store = gatedStore();
    const server = await startServer({ store });
    const transport = createGrpcTransport({ baseUrl: server.url });
    const response = createClient(RunnerService, transport).getRunner({
      runnerId: runner.runnerId,
    });
    await store.asked;
    const closed = server.close();
    store.open();
    expect((await response).runner).toEqual(runner);
    await closed;
  });

  test("takes no more connections", async () => {
    const server = await startServer();
    await server.close();
    await expect(post(server.url)).rejects.toThrow();
  });

  test("turns unready on the connections that there are", async () => {
    const store = gatedStore();
    const server = await startServer({ store });
    const busy = await connectRaw(server.port);
    busy.socket.write(rawPost(body));
    await store.asked;
    const probe = await connectRaw(server.port);
    probe.socket.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await probe.until(/^HTTP\/1\.1 200 /);
    const closed = server.close();
    probe.socket.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await probe.until(/HTTP\/1\.1 503 /);
    store.open();
    await closed;
  });

  test("ends connections that carry nothing", async () => {
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

  test("cuts off what does not finish in time", async () => {
    const store = gatedStore();
    const server = await startServer({ store });
    const connection = await connectRaw(server.port);
    connection.socket.write(rawPost(body));
    await store.asked;
    await server.close({ timeoutMs: 50 });
    await connection.closed;
  });

  test.each(["1.1", "2"] as const)(
    "in the middle of load, over HTTP/%s, answers all that it accepted",
    async (httpVersion) => {
      let asked = 0;
      const server = await startServer({
        store: {
          async get() {
            asked += 1;
            await new Promise((resolve) => setTimeout(resolve, asked % 5));
            return runner;
          },
        },
      });
      const transport = createConnectTransport({ baseUrl: server.url, httpVersion });
      const client = createClient(RunnerService, transport);
      let answered = 0;
      const load = Array.from({ length: 16 }, async () => {
        // Until the server takes no more.
        for (;;) {
          try {
            await client.getRunner({ runnerId: runner.runnerId });
            answered += 1;
          } catch {
            return;
          }
        }
      });
      while (answered < 200) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await server.close();
      await Promise.all(load);
      expect(answered).toBe(asked);
    },
  );
});
