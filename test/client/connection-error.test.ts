import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer, type Server } from "node:net";
import { Code } from "@connectrpc/connect";
import { Pool } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { fetchHttpClient } from "../../src/client/fetch-http-client.ts";
import type { HttpClient } from "../../src/client/http-client.ts";
import { createNodeHttpClient } from "../../src/client/node-http-client.ts";
import { createUndiciHttpClient } from "../../src/client/undici-http-client.ts";
import { getUnreachableUrl, respond, startFailingServer } from "../support/failing-server.ts";

const clients: [name: string, createClient: (origin: string) => HttpClient][] = [
  ["fetch", () => fetchHttpClient],
  ["Node.js", (origin) => createNodeHttpClient(new URL(origin).protocol)],
  ["undici", (origin) => createUndiciHttpClient(new Pool(origin), origin)],
];

const readPem = (name: string) => readFileSync(new URL(`../support/tls/${name}`, import.meta.url));

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe.each(clients)("the error of a connection over %s", (_, createClient) => {
  const errorFrom = (origin: string) =>
    createClient(origin)({
      url: `${origin}/x`,
      method: "POST",
      header: new Headers(),
      body: "{}",
      signal: new AbortController().signal,
    }).catch((error) => error);

  test("says that a server does not speak TLS", async () => {
    await using server = await startFailingServer([respond(200)]);
    const origin = server.url.replace("http:", "https:");
    expect(await errorFrom(origin)).toMatchObject({
      code: Code.Unavailable,
      rawMessage: `no response from ${origin}: the server does not use TLS on this port; use http:`,
    });
  });

  test("says that a server might expect TLS, if it closes without a response", async () => {
    const server = createServer({ cert: readPem("cert.pem"), key: readPem("key.pem") });
    const origin = `http://127.0.0.1:${await listen(server)}`;
    const { code, rawMessage } = await errorFrom(origin);
    expect(code).toBe(Code.Unavailable);
    expect(rawMessage).toMatch(
      /: (socket hang up|other side closed); if the server uses TLS, use https:$/,
    );
  });

  test("says that a server expects TLS, if it responds with an alert", async () => {
    // As OpenSSL does: handshake failure.
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 40])));
    });
    const origin = `http://127.0.0.1:${await listen(server)}`;
    const { rawMessage } = await errorFrom(origin);
    expect(rawMessage).toMatch(/; if the server uses TLS, use https:$/);
  });

  test("does not mention TLS if there is no server", async () => {
    const { rawMessage } = await errorFrom(await getUnreachableUrl());
    expect(rawMessage).toContain("ECONNREFUSED");
    expect(rawMessage).not.toContain("TLS");
  });
});
