import { once } from "node:events";
import { createServer as createHttp2Server, createSecureServer } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { inspect } from "node:util";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createRunnerClient, type NodeRunnerClientOptions } from "../../src/client/node.ts";
import { findProxy } from "../../src/client/proxy.ts";
import { createCertificateAuthority, trustCertificate } from "../support/certificates.ts";
import { errorOf } from "../support/error-of.ts";
import { getUnreachableUrl } from "../support/failing-server.ts";
import { createFakeClock } from "../support/fake-clock.ts";
import { startProxy } from "../support/proxy.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const authority = createCertificateAuthority();

describe("findProxy", () => {
  const find = (baseUrl: string, env: Record<string, string>) =>
    findProxy(new URL(baseUrl), env)?.url;
  const https = "https://runners.example.com";
  const http = "http://runners.example.com";

  test.each<[string, Record<string, string>, string | undefined]>([
    [https, { HTTPS_PROXY: "http://proxy:3128" }, "http://proxy:3128"],
    [https, { https_proxy: "http://proxy:3128" }, "http://proxy:3128"],
    [http, { HTTP_PROXY: "http://proxy:3128" }, "http://proxy:3128"],
    [http, { http_proxy: "http://proxy:3128" }, "http://proxy:3128"],
    [https, { ALL_PROXY: "http://proxy:3128" }, "http://proxy:3128"],
    [http, { all_proxy: "http://proxy:3128" }, "http://proxy:3128"],
    // The lower case, and the variable for the scheme, take precedence.
    [https, { https_proxy: "http://a", HTTPS_PROXY: "http://b" }, "http://a"],
    [https, { HTTPS_PROXY: "http://a", all_proxy: "http://b" }, "http://a"],
    // Each scheme has its own variable.
    [https, { HTTP_PROXY: "http://proxy:3128" }, undefined],
    [http, { HTTPS_PROXY: "http://proxy:3128" }, undefined],
    // Empty variables count as not set.
    [https, { https_proxy: "", HTTPS_PROXY: "http://b" }, "http://b"],
    [https, { https_proxy: " ", HTTPS_PROXY: "", ALL_PROXY: "http://c" }, "http://c"],
    [https, { HTTPS_PROXY: "" }, undefined],
    [https, {}, undefined],
  ])("for %s with %j returns %s", (baseUrl, env, expected) => {
    expect(find(baseUrl, env)).toBe(expected);
  });

  test.each([
    ["proxy:3128", "http://proxy:3128"],
    ["proxy", "http://proxy"],
    ["10.0.0.1:3128", "http://10.0.0.1:3128"],
    ["[fd00::1]:3128", "http://[fd00::1]:3128"],
    ["http://proxy:3128/", "http://proxy:3128"],
    ["HTTP://Proxy:80", "http://proxy"],
    ["https://proxy:3129", "https://proxy:3129"],
    [" http://proxy:3128\n", "http://proxy:3128"],
    ["http://user:pa%40ss@proxy:3128", "http://proxy:3128"],
    ["user:pass@proxy:3128", "http://proxy:3128"],
  ])("reads the proxy %j", (value, expected) => {
    expect(find(https, { HTTPS_PROXY: value })).toBe(expected);
  });

  test.each([
    ["http://user:pa%40ss@proxy", "user:pa@ss"],
    ["user:pa@ss@proxy", "user:pa@ss"],
    ["http://user:50%@proxy", "user:50%"],
    ["http://user@proxy", "user:"],
    ["http://proxy", undefined],
  ])("reads the credentials of %j", (value, credentials) => {
    const { authorization } = findProxy(new URL(https), { HTTPS_PROXY: value }) ?? {};
    const [scheme, encoded = ""] = authorization?.split(" ") ?? [];
    expect(scheme).toBe(credentials === undefined ? undefined : "Basic");
    expect(Buffer.from(encoded, "base64").toString()).toBe(credentials ?? "");
  });

  test.each(["http://", "http://proxy:port", "my proxy", "socks5://proxy:1080", "ftp://proxy"])(
    "refuses %j, with the name of the variable",
    (value) => {
      for (const name of ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"]) {
        expect(() => find(https, { [name]: value })).toThrow(
          `${name} must be the URL of an HTTP proxy, such as http://proxy.example.com:3128, not ${JSON.stringify(value)}`,
        );
      }
    },
  );

  test("refuses an invalid proxy without revealing its password", () => {
    const refuse = (value: string) => () => find(https, { HTTPS_PROXY: value });
    expect(refuse("http://me:secret@proxy:port")).toThrow('not "***@proxy:port"');
    expect(refuse("me:sec@ret@proxy:port")).toThrow('not "***@proxy:port"');
  });

  const noProxyMatches: [string, string[]][] = [
    ["https://runners.example.com", ["runners.example.com", "example.com", "com"]],
    ["https://runners.example.com", ["Example.COM", ".example.com", "*.example.com"]],
    ["https://runners.example.com", ["example.com.", ".example.com."]],
    ["https://example.com", [".example.com", "*.example.com", "example.com."]],
    ["https://example.com.", ["example.com", ".example.com."]],
    ["https://runners.example.com", ["example.com:443", ".example.com:443"]],
    ["https://runners.example.com:8443", ["example.com:8443", "example.com"]],
    ["http://runners.example.com", ["example.com:80"]],
    [
      "https://runners.example.com",
      ["*", "a,*", "a, example.com", "a example.com", ",,example.com"],
    ],
    ["https://bücher.example", ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"]],
    ["https://10.1.2.3", ["10.1.2.3", "10.1.2.3:443", "10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0"]],
    ["https://10.1.2.3:8443", ["10.1.2.3:8443", "10.0.0.0/8"]],
    ["https://[fd00::1:2]", ["fd00::1:2", "[fd00::1:2]", "FD00:0:0::1:2", "fd00::/8"]],
    ["https://[fd00::1:2]", ["[fd00::1:2]:443", "[fd00::]/8", "::/0"]],
    ["https://[fd00::1:2]:8443", ["[fd00::1:2]:8443", "fd00::1:2"]],
    ["https://[::ffff:10.1.2.3]", ["10.0.0.0/8"]],
  ];
  test.each(noProxyMatches.flatMap(([url, entries]) => entries.map((entry) => [entry, url])))(
    "NO_PROXY=%s matches %s",
    (noProxy = "", url = "") => {
      for (const name of ["NO_PROXY", "no_proxy"]) {
        expect(find(url, { ALL_PROXY: "http://proxy", [name]: noProxy })).toBeUndefined();
      }
    },
  );

  const noProxyMismatches: [string, string[]][] = [
    ["https://runners.example.com", ["", " ", ",", "other.example.com", "ample.com", "example.co"]],
    ["https://runners.example.com", ["example.com:80", "example.com:4430", "run*", "runners"]],
    ["https://notexample.com", ["example.com", ".example.com", "*.example.com"]],
    [
      "https://10.1.2.3",
      ["10.1.2.4", "10.1.2", "1.2.3", "11.0.0.0/8", "10.1.2.3:80", "10.0.0.0/33"],
    ],
    ["https://10.1.2.3", ["::/0", "10.0.0.0/", "10.0.0.0/x"]],
    ["https://[fd00::1:2]", ["fd00::1", "fe00::/8", "[fd00::1:2]:80", "0.0.0.0/0", "fd00::/129"]],
  ];
  test.each(noProxyMismatches.flatMap(([url, entries]) => entries.map((entry) => [entry, url])))(
    "NO_PROXY=%s does not match %s",
    (noProxy = "", url = "") => {
      expect(find(url, { ALL_PROXY: "http://proxy", NO_PROXY: noProxy })).toBe("http://proxy");
    },
  );

  test("NO_PROXY is used if no_proxy is empty", () => {
    const env = { HTTPS_PROXY: "http://proxy", no_proxy: "", NO_PROXY: "*" };
    expect(find(https, env)).toBeUndefined();
  });

  test.each([
    "http://localhost:8080",
    "http://a.localhost",
    "http://127.1.2.3",
    "http://[::1]:8080",
  ])("is not used for %s, which is this machine", (baseUrl) => {
    expect(find(baseUrl, { ALL_PROXY: "http://proxy" })).toBeUndefined();
  });
});

describe("a client with a proxy", () => {
  /** This machine, by names that do not count as loopback. The proxy connects to loopback. */
  const host = "runners.example.com";

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  /** Sets the variables for proxies, and unsets those of this machine. */
  function stubProxyEnv(variables: Record<string, string>) {
    for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]) {
      vi.stubEnv(name, undefined);
      vi.stubEnv(name.toLowerCase(), undefined);
    }
    for (const [name, value] of Object.entries(variables)) {
      vi.stubEnv(name, value);
    }
  }

  /** Serves a runner whose name is the HTTP version, with HTTP/1.1 too if it is over TLS. */
  async function serve(scheme: "http" | "https" | "h2c") {
    const tls = authority.issue({ subjectAltName: `DNS:${host}` });
    const server =
      scheme === "https"
        ? createSecureServer({ ...tls, allowHTTP1: true })
        : scheme === "h2c"
          ? createHttp2Server()
          : (await import("node:http")).createServer();
    server.on("request", (request: { httpVersion: string }, response) => {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ runner: { runnerId, name: request.httpVersion } }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = (server as Server).address() as AddressInfo;
    return {
      url: `${scheme === "https" ? "https" : "http"}://${host}:${port}`,
      target: `${host}:${port}`,
    };
  }

  function openClient(options: NodeRunnerClientOptions) {
    const client = createRunnerClient(options);
    onTestFinished(() => client.close());
    return client;
  }

  test.each([
    ["http", false, "1.1", "POST"],
    ["https", false, "1.1", "CONNECT"],
    ["https", true, "2.0", "CONNECT"],
    ["h2c", true, "2.0", "CONNECT"],
  ] as const)("calls %s with http2: %s", async (scheme, http2, version, method) => {
    const [server, proxy] = await Promise.all([serve(scheme), startProxy()]);
    trustCertificate(authority.cert);
    stubProxyEnv({ HTTP_PROXY: proxy.host, HTTPS_PROXY: proxy.url });
    const client = openClient({ baseUrl: server.url, http2 });
    const { runner } = await client.getRunner({ runnerId });
    expect(runner?.name).toBe(version);
    await client.getRunner({ runnerId });
    expect(new Set(proxy.targets)).toEqual(new Set([server.target]));
    expect(new Set(proxy.methods)).toEqual(new Set([method]));
  });

  test.each(["http", "https"] as const)("calls %s over TLS to the proxy", async (scheme) => {
    const [server, proxy] = await Promise.all([
      serve(scheme),
      startProxy({ tls: authority.issue() }),
    ]);
    trustCertificate(authority.cert);
    stubProxyEnv({ ALL_PROXY: proxy.url });
    const { runner } = await openClient({ baseUrl: server.url }).getRunner({ runnerId });
    expect(runner?.name).toBe("1.1");
    expect(proxy.targets).toEqual([server.target]);
  });

  test.each(["http", "https"] as const)("authenticates for %s", async (scheme) => {
    const [server, proxy] = await Promise.all([
      serve(scheme),
      startProxy({ credentials: "me:pa@ss" }),
    ]);
    trustCertificate(authority.cert);
    stubProxyEnv({ ALL_PROXY: `http://me:pa%40ss@${proxy.host}` });
    const client = openClient({ baseUrl: server.url });
    expect((await client.getRunner({ runnerId })).runner?.name).toBe("1.1");
    expect(inspect(client, { depth: 10, showHidden: true })).not.toMatch(/pa@ss|pa%40ss/);
  });

  test.each(["http", "https"] as const)("is told to authenticate for %s", async (scheme) => {
    const [server, proxy] = await Promise.all([
      serve(scheme),
      startProxy({ credentials: "me:secret" }),
    ]);
    for (const credentials of ["", "me:wrong@"]) {
      stubProxyEnv({ ALL_PROXY: `http://${credentials}${proxy.host}` });
      const clock = createFakeClock();
      const client = openClient({ baseUrl: server.url, retry: { clock } });
      const error = await errorOf(client.getRunner({ runnerId }));
      expect(error.code).toBe(Code.FailedPrecondition);
      expect(error.rawMessage).toBe(
        `the request to ${server.url} through the proxy ${proxy.url} (ALL_PROXY) failed: the proxy requires another user name and password (HTTP 407); set them in its URL, http://USER:PASSWORD@HOST:PORT`,
      );
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("wrong");
      expect(clock.sleeps).toEqual([]);
    }
  });

  test("is refused a tunnel", async () => {
    const [server, proxy] = await Promise.all([serve("https"), startProxy({ status: 403 })]);
    stubProxyEnv({ HTTPS_PROXY: proxy.url });
    const clock = createFakeClock();
    const client = openClient({ baseUrl: server.url, retry: { clock } });
    const error = await errorOf(client.getRunner({ runnerId }));
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.rawMessage).toBe(
      `the request to ${server.url} through the proxy ${proxy.url} (HTTPS_PROXY) failed: the proxy (HTTP 403) refused the connection; check its rules, or set NO_PROXY`,
    );
    expect(clock.sleeps).toEqual([]);
  });

  test.each([
    ["http", 502],
    ["https", 502],
    ["https", 503],
    ["https", 429],
  ] as const)("retries %s if the proxy answers with %d", async (scheme, status) => {
    const [server, proxy] = await Promise.all([serve(scheme), startProxy({ status })]);
    stubProxyEnv({ ALL_PROXY: proxy.url });
    const clock = createFakeClock();
    const client = openClient({ baseUrl: server.url, retry: { clock } });
    const error = await errorOf(client.getRunner({ runnerId }));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toContain(`HTTP ${status}`);
    expect(clock.sleeps).toHaveLength(3);
  });

  test("retries if the proxy refuses the connection, and names the proxy", async () => {
    const proxyUrl = await getUnreachableUrl();
    stubProxyEnv({ HTTPS_PROXY: `http://me:secret@${new URL(proxyUrl).host}` });
    const clock = createFakeClock();
    const client = openClient({ baseUrl: "https://runners.example.com", retry: { clock } });
    const error = await errorOf(client.getRunner({ runnerId }));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.rawMessage).toContain(
      `no response from https://runners.example.com through the proxy ${proxyUrl} (HTTPS_PROXY): connect ECONNREFUSED`,
    );
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("secret");
    expect(clock.sleeps).toHaveLength(3);
  });

  test.each([
    ["a proxy without TLS as https:", {}, "https", "the port does not use TLS"],
    ["a proxy whose certificate is not trusted", { tls: authority }, "https", "is not trusted"],
    ["a proxy with TLS as http:", { tls: authority }, "http", "through the proxy http:"],
  ] as const)("names %s", async (_, options, scheme, message) => {
    const proxy = await startProxy(options);
    stubProxyEnv({ HTTPS_PROXY: `${scheme}://${proxy.host}` });
    const client = openClient({ baseUrl: "https://runners.example.com", retry: false });
    const error = await errorOf(client.getRunner({ runnerId }));
    expect(error.rawMessage).toContain(message);
    expect(error.rawMessage).toContain(`through the proxy ${scheme}://${proxy.host} (HTTPS_PROXY)`);
  });

  test("refuses an invalid proxy when it is created", () => {
    stubProxyEnv({ HTTPS_PROXY: "socks5://proxy:1080" });
    expect(() => createRunnerClient()).toThrow("HTTPS_PROXY must be the URL of an HTTP proxy");
  });
});
