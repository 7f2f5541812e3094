import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { connectRaw, rawPost } from "../../support/raw.ts";
import { getRunnerPath, post, runner, startServer } from "../../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });
const shortTimeouts = { headersTimeoutMs: 300, requestTimeoutMs: 500, idleTimeoutMs: 300 };

describe("a peer that", () => {
  test.each([
    ["sends nothing", ""],
    ["stops in the preface of HTTP/2", "PRI "],
    ["stops in the first bytes of the preface of HTTP/2", "PR"],
    ["stops in the request line", "POST /gitpod"],
    ["stops in the headers", "POST / HTTP/1.1\r\nHost: loc"],
    ["stops in the body", rawPost(body).slice(0, -5)],
    ["stops after a complete request", rawPost(body)],
    ["stops after the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("%s is disconnected", async (_, bytes) => {
    const { port } = await startServer({ limits: shortTimeouts });
    const connection = await connectRaw(port);
    connection.socket.write(bytes);
    await connection.closed;
  });

  test("sends nothing after the TLS handshake is disconnected", async () => {
    const [cert, key] = ["cert", "key"].map((name) =>
      readFileSync(new URL(`../../support/tls/${name}.pem`, import.meta.url), "utf8"),
    ) as [string, string];
    const { port } = await startServer({ tls: { cert, key }, limits: shortTimeouts });
    const socket = connectTls({ port, host: "127.0.0.1", ca: cert, servername: "localhost" });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    await once(socket.resume(), "close");
  });

  test("sends its headers byte by byte is disconnected", async () => {
    const { port } = await startServer({ limits: shortTimeouts });
    const connection = await connectRaw(port);
    const drip = setInterval(() => connection.socket.write("P"), 50);
    onTestFinished(() => clearInterval(drip));
    await connection.closed;
  });

  test("sends headers beyond the limit gets 431", async () => {
    const { port } = await startServer({ limits: { maxHeaderBytes: 1000 } });
    const connection = await connectRaw(port);
    connection.socket.write(rawPost(body, [`X-Long: ${"x".repeat(2000)}`]));
    await connection.until(/^HTTP\/1\.1 431 /);
  });

  test.each([
    ["in one chunk", []],
    ["in two chunks", [20]],
  ])("sends more than 1000 headers %s gets 431", async (_, [split]) => {
    const { port } = await startServer();
    const statusWith = async (count: number) => {
      const connection = await connectRaw(port);
      const simpleHeaders = rawPost(body).split("\r\n").length - 3;
      const headers = Array.from({ length: count - simpleHeaders }, (_, n) => `X${n}: y`);
      const request = rawPost(body, headers);
      connection.socket.write(request.slice(0, split));
      if (split !== undefined) {
        setTimeout(() => connection.socket.write(request.slice(split)), 50);
      }
      await connection.until(/^HTTP\/1\.1 \d+ /);
      return Number(connection.received.slice(9, 12));
    };
    expect([await statusWith(1000), await statusWith(1001)]).toEqual([200, 431]);
  });

  test("exceeds the connection limit is disconnected, and the others are not", async () => {
    const { port, url } = await startServer({ limits: { maxConnections: 2 } });
    const first = await connectRaw(port);
    const second = await connectRaw(port);
    const third = await connectRaw(port);
    await third.closed;
    first.socket.write(rawPost(body));
    await first.until(/^HTTP\/1\.1 200 /);
    second.socket.destroy();
    await second.closed;
    expect((await post(url)).status).toBe(200);
  });

  test("sends its body slowly over HTTP/2 gets 504", async () => {
    const { url } = await startServer({ limits: { requestTimeoutMs: 200 } });
    const session = connectHttp2(url);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: getRunnerPath,
      "content-type": "application/json",
    });
    stream.write("{");
    const status = await new Promise((resolve) =>
      stream.once("response", (headers) => resolve(headers[":status"])),
    );
    expect(status).toBe(504);
  });

  test("exceeds the stream limit has to wait, and gets all responses", async () => {
    const { url } = await startServer({ limits: { maxStreams: 2 } });
    const session = connectHttp2(url);
    onTestFinished(() => session.destroy());
    await once(session, "remoteSettings");
    const statuses = await Promise.all(
      Array.from({ length: 10 }, () => {
        const stream = session.request({
          [constants.HTTP2_HEADER_METHOD]: "POST",
          [constants.HTTP2_HEADER_PATH]: getRunnerPath,
          "content-type": "application/json",
        });
        stream.end(body);
        return new Promise((resolve) =>
          stream.once("response", (headers) => {
            stream.resume();
            resolve(headers[":status"]);
          }),
        );
      }),
    );
    expect(statuses).toEqual(Array(10).fill(200));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
  });
});

test.each([
  ["in one chunk", []],
  ["in two chunks", [20]],
])("an idle connection stays open longer than announced after a request %s", async (_, [split]) => {
  const { port } = await startServer({ limits: { idleTimeoutMs: 1000 } });
  const connection = await connectRaw(port);
  const request = rawPost(body);
  connection.socket.write(request.slice(0, split));
  if (split !== undefined) {
    setTimeout(() => connection.socket.write(request.slice(split)), 50);
  }
  await connection.until(/Keep-Alive: timeout=1\r\n/);
  const respondedAt = performance.now();
  await connection.closed;
  expect(performance.now() - respondedAt).toBeGreaterThan(1500);
});

test("a thousand connections that send byte by byte do not delay other requests", async () => {
  const { port, url } = await startServer();
  const connections = await Promise.all(Array.from({ length: 1000 }, () => connectRaw(port)));
  const bytes = rawPost(body);
  let sent = 0;
  const drip = setInterval(() => {
    for (const { socket } of connections) {
      socket.write(bytes.charAt(sent % bytes.length));
    }
    sent += 1;
  }, 1000);
  onTestFinished(() => clearInterval(drip));
  const waits: number[] = [];
  while (sent < 3) {
    const startedAt = performance.now();
    expect((await post(url)).status).toBe(200);
    waits.push(performance.now() - startedAt);
  }
  // Not a benchmark: this only shows that no request waits for the next byte, which takes a second.
  expect(waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)]).toBeLessThan(500);
  expect(connections.filter(({ socket }) => !socket.destroyed)).toHaveLength(1000);
}, 30_000);
