import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create } from "@bufbuild/protobuf";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { RunnerSchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { createMemoryRunnerStore, type RunnerStore } from "../../../src/server/index.ts";
import { createLog } from "../../support/log.ts";
import { rawPost } from "../../support/raw.ts";
import { getRunnerPath, runner, startServer } from "../../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });
const large = create(RunnerSchema, { ...runner, name: "x".repeat(1_000_000) });
const withPeek = createMemoryRunnerStore([large]);
const withoutPeek: RunnerStore = { get: () => large };
const [cert, key] = ["cert", "key"].map((name) =>
  readFileSync(new URL(`../../support/tls/${name}.pem`, import.meta.url), "utf8"),
) as [string, string];

const requestTimeoutMs = 1500;

/** The number of clients of each kind. The kernel buffers a few megabytes for each of them. */
const clients = 20;

/** The remote ports of the open connections to the servers in this process. */
const openPorts = new Set<number | undefined>();
subscribe("net.server.socket", (message) => {
  const { socket } = message as { socket: Socket };
  const { remotePort } = socket;
  openPorts.add(remotePort);
  socket.once("close", () => openPorts.delete(remotePort));
});

async function startStallServer(store: RunnerStore, tls = false) {
  const log = createLog();
  const server = await startServer({
    store,
    logger: log.logger,
    // Far longer than the test, so that nothing but the limit for stalled clients closes them.
    limits: { requestTimeoutMs, headersTimeoutMs: requestTimeoutMs, idleTimeoutMs: 600_000 },
    ...(tls && { tls: { cert, key } }),
  });
  return { ...server, log };
}

/** Returns the memory in use after garbage collection, in bytes. */
function memoryInUse(): number {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Sends requests over HTTP/1.1 until the server reads no more, and reads no response. */
async function stallOverHttp1(socket: Socket): Promise<void> {
  socket.on("error", () => {}).pause();
  onTestFinished(() => void socket.destroy());
  await once(socket, "encrypted" in socket ? "secureConnect" : "connect");
  for (let n = 0; n < 10; n++) {
    socket.write(rawPost(body));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends requests over HTTP/2, and does not read the responses. Pings keep the connection in use. */
async function stallOverHttp2(session: ClientHttp2Session): Promise<void> {
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  if (session.connecting) {
    await once(session, "connect");
  }
  for (let n = 0; n < 10; n++) {
    const stream = session.request({
      ":method": "POST",
      ":path": getRunnerPath,
      "content-type": "application/json",
    });
    stream.on("error", () => {}).pause();
    stream.end(body);
  }
  const pings = setInterval(() => session.destroyed || session.ping(() => {}), 100);
  onTestFinished(() => clearInterval(pings));
}

describe("clients that stop reading are disconnected, and their memory is freed", () => {
  test.each([
    ["over HTTP/1.1", withPeek, false],
    ["over HTTP/1.1, without the fast path", withoutPeek, false],
    ["over HTTP/1.1 with TLS", withPeek, true],
  ] as const)(
    "%s",
    async (_, store, tls) => {
      const { port, log } = await startStallServer(store, tls);
      const before = memoryInUse();
      const sockets = Array.from({ length: clients }, () =>
        tls
          ? connectTls({ port, host: "127.0.0.1", ca: cert, servername: "localhost" })
          : connect({ port, host: "127.0.0.1" }),
      );
      const closed = sockets.map((socket) => new Promise((resolve) => socket.on("close", resolve)));
      await Promise.all(sockets.map(stallOverHttp1));
      // A paused socket does not notice that it has been closed.
      await vi.waitUntil(() => stalls(log.lines) === clients, 20_000);
      for (const socket of sockets) {
        socket.resume();
      }
      await Promise.all(closed);
      await vi.waitUntil(() => memoryInUse() - before < 20_000_000, {
        timeout: 10_000,
        interval: 500,
      });
    },
    40_000,
  );

  test("over HTTP/2, by flow control", async () => {
    const { url, log } = await startStallServer(withPeek);
    const before = memoryInUse();
    const sessions = Array.from({ length: clients }, () => connectHttp2(url));
    await Promise.all(sessions.map(stallOverHttp2));
    await vi.waitUntil(() => stalls(log.lines) === clients * 10, 20_000);
    // Only the streams are reset.
    expect(sessions.filter(({ closed }) => closed)).toEqual([]);
    await vi.waitUntil(() => memoryInUse() - before < 20_000_000, {
      timeout: 10_000,
      interval: 500,
    });
  }, 40_000);

  test.each([
    ["in cleartext", false],
    ["with TLS", true],
  ])(
    "over HTTP/2, by not reading from the connection %s",
    async (_, tls) => {
      const { url, port } = await startStallServer(withPeek, tls);
      const before = memoryInUse();
      const closed = Array.from({ length: clients }, async () => {
        const socket = connectTo(port, tls);
        const session = connectHttp2(url, {
          createConnection: () => socket,
          settings: { initialWindowSize: 2 ** 31 - 1 },
        });
        await once(session, "connect");
        session.setLocalWindowSize(2 ** 31 - 1);
        await stallOverHttp2(session);
        const handle = (socket as unknown as { _handle: { readStop(): void; readStart(): void } })
          ._handle;
        handle.readStop();
        const { localPort } = socket;
        await vi.waitUntil(() => !openPorts.has(localPort), 20_000);
      });
      await Promise.all(closed);
      await vi.waitUntil(() => memoryInUse() - before < 20_000_000, {
        timeout: 10_000,
        interval: 500,
      });
    },
    40_000,
  );

  test("also if they read a little now and then", async () => {
    const { port, log } = await startStallServer(withPeek);
    const socket = connectTo(port, false);
    await stallOverHttp1(socket);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const reads = setInterval(() => socket.read(100) ?? socket.read(), 50);
    onTestFinished(() => clearInterval(reads));
    await vi.waitUntil(() => stalls(log.lines) === 1, 20_000);
    socket.resume();
    await closed;
  }, 40_000);

  test("but not if they read slowly, and finish in time", async () => {
    const { port, log } = await startStallServer(withPeek);
    const socket = connectTo(port, false);
    await once(socket, "connect");
    let received = 0;
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    });
    onTestFinished(() => void socket.destroy());
    // Responses are waiting all the time, but each for less than the limit.
    for (let n = 1; n <= 6; n++) {
      socket.write(rawPost(body));
      await vi.waitUntil(() => received > n * 1_000_000 - 500_000, 20_000);
    }
    await vi.waitUntil(() => received > 6_000_000, 20_000);
    expect(stalls(log.lines)).toBe(0);
  }, 60_000);
});

function stalls(lines: readonly Record<string, unknown>[]): number {
  return lines
    .filter(({ reason }) => reason === "stalled_response")
    .reduce((sum, { suppressed = 1 }) => sum + Number(suppressed), 0);
}

test.each([
  ["in cleartext", false],
  ["with TLS", true],
])(
  "a client that reads late gets the responses to all pipelined requests %s",
  async (_, tls) => {
    const { port } = await startServer({ store: withoutPeek, ...(tls && { tls: { cert, key } }) });
    const count = 20;
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        const socket = connectTo(port, tls);
        socket.on("error", () => {}).pause();
        onTestFinished(() => void socket.destroy());
        await once(socket, tls ? "secureConnect" : "connect");
        socket.setNoDelay();
        for (let n = 0; n < count; n++) {
          // Several requests arrive together, in a TLS record each.
          socket.write(rawPost(body));
          await new Promise((resolve) => setTimeout(resolve, n % 3));
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
        let received = "";
        socket.setEncoding("latin1").on("data", (text) => {
          received = (received + text).replaceAll(/x{100}/g, "");
        });
        socket.resume();
        const statuses = () => received.match(/HTTP\/1\.1 \d+/g) ?? [];
        await vi.waitUntil(() => socket.destroyed || statuses().length === count, 20_000);
        expect(statuses()).toEqual(Array(count).fill("HTTP/1.1 200"));
      }),
    );
  },
  30_000,
);

function connectTo(port: number, tls: boolean, protocol = "http/1.1"): Socket {
  const address = { port, host: "127.0.0.1" };
  return tls
    ? connectTls({ ...address, ca: cert, servername: "localhost", ALPNProtocols: [protocol] })
    : connect(address);
}
