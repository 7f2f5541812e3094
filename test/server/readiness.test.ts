import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import type { RunnerStore, StoreStatus } from "../../src/server/index.ts";
import { StoreUnreachableError } from "../../src/server/index.ts";
import { createLog } from "../support/log.ts";
import { connectRaw } from "../support/raw.ts";
import { startRunnerctl } from "../support/runnerctl.ts";
import { post, runner, startServer } from "../support/server.ts";

function storeWith(check: NonNullable<RunnerStore["check"]>): RunnerStore {
  return { get: () => runner, check };
}

async function probe(url: string): Promise<[number, string]> {
  const response = await fetch(`${url}/readyz`);
  return [response.status, await response.text()];
}

test.each<[string, StoreStatus, number, string]>([
  ["a store that can serve", { ready: true, messages: [] }, 200, "ok\n"],
  [
    "a store that can serve, with messages",
    { ready: true, messages: ["1 file is stale: Läufer.json", "two\nlines"] },
    200,
    "ok\n1 file is stale: Läufer.json\ntwo lines\n",
  ],
  ["a store that cannot serve", { ready: false, messages: [] }, 503, "not ready\n"],
  [
    "a store that cannot serve, with messages",
    { ready: false, messages: ["no connection"] },
    503,
    "not ready\nno connection\n",
  ],
])("/readyz reports %s", async (_, status, code, text) => {
  for (const check of [() => status, async () => status]) {
    const { url } = await startServer({ store: storeWith(check) });
    expect(await probe(url)).toEqual([code, text]);
    expect((await fetch(`${url}/readyz`, { method: "HEAD" })).status).toBe(code);
    // Whether the process runs is another question.
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  }
});

test.each<[string, () => StoreStatus | Promise<StoreStatus>, string]>([
  [
    "throws",
    () => {
      throw new Error("10.0.0.7 is down");
    },
    "the check of the store failed",
  ],
  ["rejects", () => Promise.reject(new Error("10.0.0.7 is down")), "the check of the store failed"],
  [
    "rejects because the store is unreachable",
    () => Promise.reject(new StoreUnreachableError("10.0.0.7 is down")),
    "the store is unreachable",
  ],
  ["returns nothing", () => undefined as never, "the check of the store failed"],
])(
  "/readyz reports 503 if the check %s, and the log has the details once",
  async (_, check, text) => {
    const { logger, lines } = createLog();
    let isBroken = true;
    const store = storeWith(() => (isBroken ? check() : { ready: true, messages: [] }));
    const { url } = await startServer({ store, logger });
    expect(await probe(url)).toEqual([503, `not ready\n${text}\n`]);
    expect(await probe(url)).toEqual([503, `not ready\n${text}\n`]);
    isBroken = false;
    expect(await probe(url)).toEqual([200, "ok\n"]);
    expect(lines).toMatchObject([
      { level: 40, messages: [text], err: { message: expect.any(String) } },
      { level: 30, msg: "the store is ready" },
    ]);
  },
);

test("/readyz reports 503 if the check takes too long, and tells the store", async () => {
  let aborted = false;
  const store = storeWith(async ({ signal }) => {
    await once(signal, "abort");
    aborted = true;
    return new Promise<never>(() => {});
  });
  const { url } = await startServer({ store });
  expect(await probe(url)).toEqual([503, "not ready\nthe store did not answer within 2 s\n"]);
  expect(aborted).toBe(true);
});

test("concurrent probes share one check", async () => {
  let checks = 0;
  const gate = Promise.withResolvers<StoreStatus>();
  const store = storeWith(() => {
    checks += 1;
    return gate.promise;
  });
  const { url } = await startServer({ store });
  const probes = Array.from({ length: 10 }, () => probe(url));
  await vi.waitUntil(() => checks > 0);
  await post(url);
  gate.resolve({ ready: true, messages: [] });
  expect(await Promise.all(probes)).toEqual(Array(10).fill([200, "ok\n"]));
  expect(checks).toBe(1);
  await probe(url);
  expect(checks).toBe(2);
});

test("a draining server reports 503, and still accepts connections and calls", async () => {
  const server = await startServer();
  server.drain();
  expect(await probe(server.url)).toEqual([503, "draining\n"]);
  for (let n = 0; n < 2; n++) {
    const { socket, until } = await connectRaw(server.port);
    socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(/^HTTP\/1\.1 200 [\s\S]*Connection: keep-alive/);
    expect((await post(server.url)).status).toBe(200);
  }
  await server.close();
  await expect(post(server.url)).rejects.toThrow();
});

test("a closing server stays closing", async () => {
  const server = await startServer();
  const closed = server.close({ timeoutMs: 0 });
  server.drain();
  await closed;
  expect(() => server.drain()).not.toThrow();
});

test.each([
  ["for --drain-delay", ["--drain-delay", "5s"], []],
  ["until a second signal", ["--drain-delay", "10m"], ["SIGTERM"]],
  ["until another signal", ["--drain-delay", "10m"], ["SIGINT"]],
] as const)(
  "after SIGTERM, runnerctl serve accepts calls %s",
  async (_, args, signals) => {
    const server = startRunnerctl(["serve", "--sample", "--port", "0", ...args]);
    onTestFinished(() => void server.process.kill("SIGKILL"));
    const [, url = ""] = await server.waitForStdout(/on (\S+)\n/);
    expect(await probe(url)).toEqual([200, "ok\n"]);
    server.process.kill("SIGTERM");
    await server.waitForStderr(/draining/);
    expect(await probe(url)).toEqual([503, "draining\n"]);
    expect((await post(url)).status).toBe(200);
    for (const signal of signals) {
      server.process.kill(signal);
    }
    expect((await server.exited).code).toBe(0);
  },
  30_000,
);

test.each(["0", "100ms"])(
  "after --drain-delay %s, a second signal ends runnerctl serve at once",
  async (delay) => {
    const server = startRunnerctl(["serve", "--sample", "--port", "0", "--drain-delay", delay]);
    const [, url = ""] = await server.waitForStdout(/on (\S+)\n/);
    // Keeps the server from closing.
    const { socket, until } = await connectRaw(Number(new URL(url).port));
    socket.write(
      "POST /gitpod.v1.RunnerService/GetRunner HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    );
    await until(/100 Continue/);
    server.process.kill("SIGTERM");
    await vi.waitUntil(
      async () =>
        fetch(url).then(
          () => false,
          () => true,
        ),
      10_000,
    );
    server.process.kill("SIGTERM");
    expect((await server.exited).code).toBe(143);
  },
  30_000,
);
