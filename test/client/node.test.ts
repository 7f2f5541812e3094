import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  createRunnerClient,
  createRunnerClientFromEnv,
  type NodeRunnerClientOptions,
} from "../../src/client/node.ts";
import { respond, stall, startFailingServer } from "../support/failing-server.ts";
import { startProxy } from "../support/proxy.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const ok = respond(200, { runner: { runnerId } });

/** Unsets the proxy variables of this machine. */
const noProxy = { HTTP_PROXY: "", HTTPS_PROXY: "", http_proxy: "", https_proxy: "", NO_PROXY: "" };

function stubEnv(variables: Record<string, string>) {
  for (const [name, value] of Object.entries({ ...noProxy, no_proxy: "", ...variables })) {
    vi.stubEnv(name, value === "" ? undefined : value);
  }
}

afterEach(() => {
  vi.unstubAllEnvs();
});

async function serve(...behaviors: Parameters<typeof startFailingServer>[0]) {
  const server = await startFailingServer(behaviors);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** Creates a client that is closed at the end of the test. */
function openClient(options: NodeRunnerClientOptions) {
  const client = createRunnerClient(options);
  onTestFinished(() => client.close());
  return client;
}

describe("connections", () => {
  test("are reused between calls and pooled", async () => {
    const server = await serve(ok);
    const client = openClient({ baseUrl: server.url });
    for (let n = 0; n < 10; n++) {
      await client.getRunner({ runnerId });
    }
    // A connection becomes idle shortly after its response.
    expect(server.sockets.size).toBeLessThanOrEqual(2);
    await Promise.all([1, 2, 3].map(() => client.getRunner({ runnerId })));
    expect(server.sockets.size).toBeGreaterThanOrEqual(3);
    expect(server.sockets.size).toBeLessThanOrEqual(4);
  });

  test("are closed by close() after pending calls have completed", async () => {
    const server = await serve((response) => setImmediate(ok, response));
    const client = createRunnerClient({ baseUrl: server.url });
    const call = client.getRunner({ runnerId });
    await client.close();
    expect((await call).runner?.runnerId).toBe(runnerId);
    await expect.poll(() => server.sockets.size, { timeout: 10_000 }).toBe(0);
    await expect(client.getRunner({ runnerId })).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: "the client is closed",
    });
  });

  test("are closed at the end of the block by `await using`", async () => {
    const server = await serve(ok);
    {
      await using client = createRunnerClient({ baseUrl: server.url });
      await client.getRunner({ runnerId });
      expect(server.sockets.size).toBe(1);
    }
    await expect.poll(() => server.sockets.size, { timeout: 10_000 }).toBe(0);
  });

  test("can be closed several times", async () => {
    const server = await serve(ok);
    await using client = createRunnerClient({ baseUrl: server.url });
    await client.getRunner({ runnerId });
    await Promise.all([client.close(), client.close()]);
    await client.close();
  });
});

describe("HTTP/2", () => {
  async function start(server: Http2Server) {
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => sessions.add(session));
    server.on("request", async (request, response) => {
      await request.toArray();
      if (request.headers.stall !== undefined) {
        return;
      }
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ runner: { runnerId, name: request.httpVersion } }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
      for (const session of sessions) {
        session.destroy();
      }
    });
    const { port } = server.address() as AddressInfo;
    return { host: `127.0.0.1:${port}`, sessions };
  }

  async function callFourTimes(baseUrl: string, http2: boolean) {
    const client = openClient({ baseUrl, http2 });
    await client.getRunner({ runnerId });
    const calls = [1, 2, 3].map(() => client.getRunner({ runnerId }));
    return (await Promise.all(calls)).map(({ runner }) => runner?.name);
  }

  test("is used in cleartext, with all calls on one connection", async () => {
    const { host, sessions } = await start(createHttp2Server());
    expect(await callFourTimes(`http://${host}`, true)).toEqual(["2.0", "2.0", "2.0"]);
    expect(sessions.size).toBe(1);
  });

  test("is used over TLS if the option http2 is set", async () => {
    const { key, cert } = selfSigned();
    const before = getCACertificates();
    setDefaultCACertificates([cert]);
    onTestFinished(() => setDefaultCACertificates(before));
    const { host, sessions } = await start(createSecureServer({ key, cert, allowHTTP1: true }));
    expect(await callFourTimes(`https://${host}`, true)).toEqual(["2.0", "2.0", "2.0"]);
    expect(sessions.size).toBeLessThanOrEqual(2);
    expect(await callFourTimes(`https://${host}`, false)).toEqual(["1.1", "1.1", "1.1"]);
  });

  test("aborts only the call that times out", async () => {
    const { host, sessions } = await start(createHttp2Server());
    const client = openClient({ baseUrl: `http://${host}`, http2: true });
    await Promise.all([
      expect(
        client.getRunner({ runnerId }, { timeoutMs: 50, headers: { stall: "yes" } }),
      ).rejects.toMatchObject({ code: Code.DeadlineExceeded }),
      client.getRunner({ runnerId }),
    ]);
    await client.getRunner({ runnerId });
    expect(sessions.size).toBe(1);
  });

  function selfSigned() {
    const folder = mkdtempSync(join(tmpdir(), "runner-service-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"],
        ...["-keyout", key, "-out", cert],
      ],
      { stdio: "ignore" },
    );
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  }
});

describe("proxies", () => {
  /** This machine, by an address that does not count as loopback. */
  const host = "0.0.0.0";

  test.each(["HTTP_PROXY", "http_proxy"])("are configured by %s", async (name) => {
    const server = await serve(ok);
    const proxy = await startProxy();
    stubEnv({ [name]: proxy.url });
    const { port } = new URL(server.url);
    const client = openClient({ baseUrl: `http://${host}:${port}` });
    expect((await client.getRunner({ runnerId })).runner?.runnerId).toBe(runnerId);
    expect(proxy.targets).toEqual([`${host}:${port}`]);
  });

  test.each([
    ["NO_PROXY matches", { NO_PROXY: host }, host],
    ["the server is on this machine", {}, "127.0.0.1"],
  ])("are not used if %s", async (_, variables, host) => {
    const server = await serve(ok);
    const proxy = await startProxy();
    stubEnv({ HTTP_PROXY: proxy.url, ...variables });
    const { port } = new URL(server.url);
    const client = openClient({ baseUrl: `http://${host}:${port}` });
    await client.getRunner({ runnerId });
    expect(proxy.targets).toEqual([]);
  });

  test("are configured by HTTPS_PROXY for https:", async () => {
    const server = await serve(stall);
    const proxy = await startProxy();
    stubEnv({ HTTPS_PROXY: proxy.url });
    const { port } = new URL(server.url);
    const client = openClient({ baseUrl: `https://${host}:${port}`, retry: false });
    // The server does not support TLS, but the call fails only after it has reached the proxy.
    await expect(client.getRunner({ runnerId })).rejects.toThrow("the port does not use TLS");
    expect(proxy.targets).toEqual([`${host}:${port}`]);
  });
});

test("createRunnerClientFromEnv reads the token and the base URL from the environment", async () => {
  const server = await serve(ok);
  const env = { ONA_BASE_URL: server.url, ONA_API_KEY: "tok" };
  const client = createRunnerClientFromEnv({}, env);
  onTestFinished(() => client.close());
  await client.getRunner({ runnerId });
  expect(server.requests[0]?.headers.authorization).toBe("Bearer tok");
});
