import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createCertificateAuthority } from "../support/certificates.ts";
import { startProxy } from "../support/proxy.ts";
import { runRunnerctl } from "../support/runnerctl.ts";

const id = "5a6c2f98-b1e7-4093-8d4f-2e7b0c9d1a36";
const authority = createCertificateAuthority();

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const respond: RequestListener = (_, response) => {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ runner: { runnerId: id } }));
};

describe.each([
  ["get"],
  ["status"],
  ["watch"],
  ["wait", "--for", "phase=active", "--timeout", "5m"],
])("runnerctl %s", (command, ...options) => {
  const run = (baseUrl: string, env: NodeJS.ProcessEnv = {}) =>
    runRunnerctl([command, id, ...options, "--base-url", baseUrl], env);

  test("exits with 6 at once if the certificate is not trusted, and says what to do", async () => {
    const host = await listen(createHttpsServer(authority.issue(), respond));
    const { code, stderr } = await run(`https://${host}`);
    expect({ code, stderr }).toEqual({
      code: 6,
      stderr: expect.stringMatching(/the certificate is not trusted .+ NODE_EXTRA_CA_CERTS/),
    });
  });

  test("exits with 6 at once if the port does not use TLS", async () => {
    const { code, stderr } = await run(`https://${await listen(createServer(respond))}`);
    expect({ code, stderr }).toEqual({
      code: 6,
      stderr: expect.stringContaining("use http: or another port"),
    });
  });

  test("exits with 6 at once if the proxy requires authentication", async () => {
    const proxy = await startProxy({ credentials: "me:secret" });
    const { code, stderr } = await run("https://runners.example.com", { HTTPS_PROXY: proxy.host });
    expect({ code, stderr }).toEqual({
      code: 6,
      stderr: expect.stringContaining(`the proxy ${proxy.url} (HTTPS_PROXY)`),
    });
  });

  test("exits with 2 if the proxy is invalid", async () => {
    const env = { HTTPS_PROXY: "socks5://proxy:1080" };
    const { code, stderr } = await run("https://runners.example.com", env);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("HTTPS_PROXY must be the URL of an HTTP proxy"),
    });
  });

  test("exits with 2 if the base URL has no scheme", async () => {
    const { code, stderr } = await run("localhost:8080");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("did you mean http://localhost:8080?"),
    });
  });
});

test("runnerctl trusts a private certificate authority in NODE_EXTRA_CA_CERTS", async () => {
  const folder = mkdtempSync(join(tmpdir(), "runnerctl-ca-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "ca.pem");
  writeFileSync(file, authority.cert);
  const host = await listen(createHttpsServer(authority.issue(), respond));
  const env = { NODE_EXTRA_CA_CERTS: file };
  const { code } = await runRunnerctl(["get", id, "--base-url", `https://${host}`], env);
  expect(code).toBe(0);
});
