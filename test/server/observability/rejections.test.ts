import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { RunnerServerOptions } from "../../../src/server/index.ts";
import { createLog } from "../../support/log.ts";
import { connectRaw, rawPost } from "../../support/raw.ts";
import { getRunnerPath, post, runner, startServer } from "../../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });
const [cert, key] = ["cert", "key"].map((name) =>
  readFileSync(new URL(`../../support/tls/${name}.pem`, import.meta.url), "utf8"),
) as [string, string];

async function startLoggedServer(options: Partial<RunnerServerOptions> = {}) {
  const log = createLog();
  const server = await startServer({ logger: log.logger, ...options });
  const rejections = () => log.lines.filter(({ reason }) => reason !== undefined);
  return { ...server, ...log, rejections };
}

function request(method: string, target: string, ...headers: string[]): string {
  return [`${method} ${target} HTTP/1.1`, ...headers, "\r\n"].join("\r\n");
}

const localhost = "Host: localhost";
const long = "x".repeat(1000);

describe("one log line and one count have", () => {
  test.each<[string, string, Record<string, unknown>]>([
    [
      "an unknown path",
      request("GET", "/favicon.ico?secret=1", localhost),
      { reason: "unknown_path", method: "GET", path: "/favicon.ico", status: 404 },
    ],
    [
      "a very long path",
      request("GET", `/${long}`, localhost),
      { reason: "unknown_path", path: expect.stringMatching(/^\/x{1,300}…$/) },
    ],
    [
      "an unknown method of the service",
      request("POST", "/gitpod.v1.RunnerService/ListRunners", localhost, "Content-Length: 0"),
      { reason: "unknown_path", path: "/gitpod.v1.RunnerService/ListRunners", status: 404 },
    ],
    [
      "an unknown method in gRPC",
      request("POST", "/a.B/C", localhost, "Content-Type: application/grpc", "Content-Length: 0"),
      { reason: "unknown_path", path: "/a.B/C", status: 200 },
    ],
    [
      "a wrong HTTP method",
      request("PUT", "/readyz", localhost),
      { reason: "wrong_method", method: "PUT", path: "/readyz", status: 405 },
    ],
    [
      "CONNECT",
      request("CONNECT", "example.com:443", localhost),
      { reason: "wrong_method", method: "CONNECT", path: "example.com:443", status: 405 },
    ],
    [
      "an invalid host",
      request("GET", "/readyz", "Host: a@b"),
      { reason: "invalid_host", method: "GET", path: "/readyz", host: "a@b", status: 400 },
    ],
    ["no host", request("GET", "/readyz"), { reason: "invalid_host", status: 400 }],
    [
      "a host that is not a loopback host",
      request("GET", "/metrics", "Host: evil.example.com"),
      { reason: "forbidden_host", host: "evil.example.com", path: "/metrics", status: 403 },
    ],
    [
      "malformed HTTP",
      "nonsense\r\n\r\n",
      { reason: "malformed_request", error: "HPE_INVALID_METHOD", status: 400 },
    ],
    [
      "headers that are too large",
      request("GET", "/readyz", localhost, `X: ${"x".repeat(20_000)}`),
      { reason: "headers_too_large", error: "HPE_HEADER_OVERFLOW", status: 431 },
    ],
    [
      "TLS on a port without it",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      { reason: "tls_without_certificate", msg: expect.stringContaining("--tls-cert") },
    ],
    [
      "an expectation that the server does not know",
      request("POST", getRunnerPath, localhost, "Expect: x", "Content-Length: 0"),
      { reason: "unknown_expectation", method: "POST", path: getRunnerPath, status: 417 },
    ],
    [
      "a malformed HTTP/2 frame",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x01\x04\x00\x00\x00\x00\x00\x00",
      { reason: "http2_error", error: "ERR_HTTP2_ERROR" },
    ],
  ])("%s", async (_, bytes, expected) => {
    const { port, url, rejections } = await startLoggedServer();
    const { socket } = await connectRaw(port);
    socket.write(bytes, "latin1");
    await vi.waitUntil(() => rejections().length > 0);
    expect(rejections()).toEqual([expect.objectContaining({ level: 30, ...expected })]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`runner_server_rejections_total{reason="${expected.reason}"} 1`);
    expect(JSON.stringify(rejections())).not.toContain("secret");
  });

  test.each<[string, RequestInit, Record<string, unknown>]>([
    [
      "a preflight",
      { method: "OPTIONS", headers: { "Access-Control-Request-Method": "POST" } },
      { method: "OPTIONS", status: 204 },
    ],
    [
      "a call",
      { method: "POST", headers: { "Content-Type": "application/json" }, body },
      { method: "POST" },
    ],
  ])("%s from a web page of another origin", async (_, init, expected) => {
    for (const corsOrigins of [["https://app.example.com"], []]) {
      const { port, rejections } = await startLoggedServer({ corsOrigins });
      const { socket, until } = await connectRaw(port);
      const headers = Object.entries({ Origin: "https://evil.example.com", ...init.headers });
      const lines = headers.map(([name, value]) => `${name}: ${value}`);
      const text = String(init.body ?? "");
      lines.push(localhost, `Content-Length: ${text.length}`);
      socket.write(request(init.method ?? "", getRunnerPath, ...lines) + text);
      await until(/^HTTP\/1\.1 \d+ /);
      await vi.waitUntil(() => rejections().length > 0);
      const { status, ...rest } = expected;
      expect(rejections()).toMatchObject([
        {
          reason: "forbidden_origin",
          origin: "https://evil.example.com",
          path: getRunnerPath,
          ...rest,
          ...(corsOrigins.length > 0 && status !== undefined && { status }),
          msg: expect.stringContaining("--cors-origin"),
        },
      ]);
    }
  });

  test("no allowed origin, and not the origin of the server itself", async () => {
    const { url, port, lines, rejections } = await startLoggedServer({
      corsOrigins: ["https://app.example.com"],
    });
    for (const Origin of ["https://app.example.com", url]) {
      const { socket, until } = await connectRaw(port);
      const raw = rawPost(body, [`Origin: ${Origin}`]).replace("localhost", `127.0.0.1:${port}`);
      socket.write(raw);
      await until(/^HTTP\/1\.1 200 /);
    }
    await vi.waitUntil(() => lines.length >= 2);
    expect(rejections()).toEqual([]);
  });

  test("an incomplete request", async () => {
    const { port, rejections } = await startLoggedServer({ limits: { headersTimeoutMs: 200 } });
    const { socket } = await connectRaw(port);
    socket.write("POST / HTTP/1.1\r\nHost: loc");
    await vi.waitUntil(() => rejections().length > 0, 5000);
    expect(rejections()).toMatchObject([
      { reason: "request_timeout", status: 408, remoteAddress: "127.0.0.1" },
    ]);
  });

  test("a connection over the limit", async () => {
    const { port, rejections } = await startLoggedServer({ limits: { maxConnections: 1 } });
    await connectRaw(port);
    await (await connectRaw(port)).closed;
    expect(rejections()).toMatchObject([
      {
        level: 40,
        reason: "too_many_connections",
        remoteAddress: "127.0.0.1",
        msg: expect.stringContaining("--max-connections"),
      },
    ]);
  });

  test("a failed TLS handshake", async () => {
    const { port, rejections } = await startLoggedServer({ tls: { cert, key } });
    const { socket, closed } = await connectRaw(port);
    socket.write(request("GET", "/readyz", localhost));
    await closed;
    expect(rejections()).toMatchObject([
      { reason: "tls_handshake", error: "ERR_SSL_HTTP_REQUEST", remoteAddress: "127.0.0.1" },
    ]);
  });

  test("CONNECT over HTTP/2", async () => {
    const { url, rejections } = await startLoggedServer();
    const session = connectHttp2(url);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":method": "CONNECT", ":authority": "example.com:443" });
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(405);
    expect(rejections()).toMatchObject([
      { reason: "wrong_method", method: "CONNECT", path: "example.com:443", status: 405 },
    ]);
  });

  test("no connection that is closed without a request", async () => {
    const { port, url, lines } = await startLoggedServer();
    const one = await connectRaw(port);
    one.socket.end();
    await one.closed;
    const other = connectTcp({ port, host: "127.0.0.1" });
    await once(other, "connect");
    other.resetAndDestroy();
    await post(url);
    await vi.waitUntil(() => lines.length > 0);
    expect(lines).toMatchObject([{ code: "ok" }]);
  });
});

test("of many rejections, only some have a log line, and the rest is counted", async () => {
  const { url, rejections } = await startLoggedServer();
  const total = 300;
  for (let n = 0; n < total; n++) {
    expect((await fetch(`${url}/${n}`)).status).toBe(404);
  }
  const logged = () => rejections().filter(({ path }) => path !== undefined).length;
  const suppressed = () =>
    rejections().reduce((sum, line) => sum + Number(line.suppressed ?? 0), 0);
  await vi.waitUntil(() => logged() + suppressed() === total, 5000);
  expect(logged()).toBeGreaterThanOrEqual(10);
  expect(suppressed()).toBeGreaterThan(0);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain(`runner_server_rejections_total{reason="unknown_path"} ${total}`);
  // Another kind is still logged.
  await fetch(`${url}/readyz`, { method: "POST" });
  expect(rejections().at(-1)).toMatchObject({ reason: "wrong_method" });
});
