import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createRunnerServer, createTokenVerifier, openTokenFile } from "../../src/server/index.ts";
import { createMemoryRunnerStore } from "../../src/store/memory-runner-store.ts";
import { connectRaw, rawPost } from "../support/raw.ts";
import { getRunnerPath, post, runner, startServer } from "../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });

describe("with tokens", () => {
  const verifyToken = createTokenVerifier(["first", "second"]);

  test.each([
    ["Bearer first", 200],
    ["bearer second", 200],
    ["Bearer third", 401],
    ["Bearer firs", 401],
    ["Bearer first second", 401],
    ["Basic first", 401],
    ["first", 401],
    ["", 401],
  ])("responds to Authorization: %s with %i", async (authorization, status) => {
    const { url } = await startServer({ verifyToken });
    const response = await post(url, body, { Authorization: authorization });
    expect(response.status).toBe(status);
    if (status === 401) {
      expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
      expect(response.body).toMatchObject({ code: "unauthenticated" });
    }
  });

  test.each([
    ["a b", "contains a character"],
    ["a\n", "contains a character"],
    ["naïve", "contains a character"],
    ["a=b", "contains a character"],
    ["=", "contains a character"],
    ["a:b", "contains a character"],
    ["", "is empty"],
  ])("refuses the token %j, which cannot be sent", (token, fault) => {
    expect(() => createTokenVerifier(["first", token])).toThrow(
      expect.objectContaining({ message: expect.stringMatching(`^token 2 ${fault}`) }),
    );
  });

  test("accepts every token that can be sent", async () => {
    const token = "AZaz09-._~+/==";
    const { url } = await startServer({ verifyToken: createTokenVerifier([token]) });
    expect((await post(url, body, { Authorization: `Bearer ${token}` })).status).toBe(200);
  });

  test("rejects an unauthenticated caller before it reads the body", async () => {
    const { port } = await startServer({ verifyToken });
    const connection = await connectRaw(port);
    connection.socket.write(
      `POST ${getRunnerPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n`,
    );
    await connection.until(/^HTTP\/1\.1 401 [\s\S]*"code":"unauthenticated"/);
  });

  test("a server can listen on all addresses", async () => {
    const { url } = await startServer({ verifyToken, host: "0.0.0.0" });
    const response = await post(url, body, { Authorization: "Bearer first" });
    expect(response.status).toBe(200);
  });
});

describe("without tokens", () => {
  test.each(["0.0.0.0", "::", "192.0.2.1", "runner.example.com"])(
    "a server refuses to listen on %s",
    (host) => {
      const store = createMemoryRunnerStore();
      expect(() => createRunnerServer({ store, host })).toThrow(
        `refusing to accept unauthenticated callers on ${host}; set tokens (--token)`,
      );
      expect(() => createRunnerServer({ store, host, allowUnauthenticated: true })).not.toThrow();
    },
  );

  test.each([
    ["localhost", 200],
    ["LOCALHOST:8080", 200],
    ["runners.localhost", 200],
    ["127.0.0.1", 200],
    ["127.1.2.3:80", 200],
    ["[::1]:8080", 200],
    ["evil.example.com", 403],
    ["127.0.0.1.example.com", 403],
    ["localhost.example.com", 403],
    ["10.0.0.1", 403],
    ["", 400],
    ["a b", 400],
    ["localhost:99999", 400],
    ["evil.com/.localhost", 400],
    ["evil.com?.localhost", 400],
    ["evil.com#.localhost", 400],
    ["evil.com\\.localhost", 400],
    ["evil.com%2f.localhost", 400],
    ["evil.com@localhost", 400],
    ["a@.localhost", 400],
    ["localhost@evil.com", 400],
    ["localhost:80@evil.com", 400],
    ["localhost/@evil.com", 400],
    ["localhost\t.evil.com", 400],
    ["localhost\r\nHost: evil.com", 400],
    ["evil.com\r\nHost: localhost", 400],
  ])("responds to a request for the host %j with %i", async (host, status) => {
    const { port } = await startServer();
    const connection = await connectRaw(port);
    const request = rawPost(body).replace("Host: localhost", () => `Host: ${host}`);
    connection.socket.write(request);
    await connection.until(new RegExp(`^HTTP/1\\.1 ${status} `));
    // The same in two chunks, for node:http.
    const split = await connectRaw(port);
    split.socket.write(request.slice(0, 20));
    setTimeout(() => split.socket.write(request.slice(20)), 20);
    await split.until(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test.each([
    ["http://localhost", "localhost", 200],
    ["http://localhost:80", "evil.example.com", 200],
    ["HTTP://127.0.0.1", "localhost", 200],
    ["http://evil.example.com", "localhost", 403],
    ["http://localhost@evil.example.com", "localhost", 400],
    ["http://", "localhost", 400],
    ["ftp://localhost", "localhost", 404],
  ])("responds to a request for %s with Host: %s with %i", async (origin, host, status) => {
    const { port } = await startServer();
    const connection = await connectRaw(port);
    connection.socket.write(
      rawPost(body).replace("POST ", `POST ${origin}`).replace("Host: localhost", `Host: ${host}`),
    );
    await connection.until(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test.each([
    ["localhost", undefined, 200],
    ["localhost:1", "LOCALHOST:1", 200],
    [undefined, "localhost", 200],
    ["localhost", "evil.example.com", 400],
    ["evil.example.com", "localhost", 400],
    ["evil.example.com", undefined, 403],
    ["localhost:99999", undefined, 400],
  ])(
    "responds over HTTP/2 to :authority %s and host %s with %i",
    async (authority, host, status) => {
      const { url } = await startServer();
      const session = connectHttp2(url);
      onTestFinished(() => session.destroy());
      const stream = session.request({
        ":method": "POST",
        ":path": getRunnerPath,
        ...(authority !== undefined && { ":authority": authority }),
        ...(host !== undefined && { host }),
        "content-type": "application/json",
      });
      stream.end(body);
      const [headers] = await once(stream, "response");
      expect(headers[":status"]).toBe(status);
    },
  );

  test.each(["/healthz", "/metrics"])(
    "%s accepts requests for loopback hosts only",
    async (path) => {
      const { port } = await startServer();
      const connection = await connectRaw(port);
      connection.socket.write(`GET ${path} HTTP/1.1\r\nHost: evil.example.com\r\n\r\n`);
      await connection.until(/^HTTP\/1\.1 403 /);
    },
  );
});

describe("a token file", () => {
  function tokenFile(text: string) {
    const folder = mkdtempSync(join(tmpdir(), "tokens-"));
    const path = join(folder, "tokens");
    writeFileSync(path, text);
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return path;
  }

  test("has one token per line; blank lines and comments are ignored", async () => {
    const file = await openTokenFile(tokenFile("# ours\none\n\n  two \r\n"), () => {});
    onTestFinished(() => file[Symbol.dispose]());
    expect(file.tokens).toEqual(["one", "two"]);
  });

  test("must contain a token", async () => {
    const path = tokenFile("# none\n");
    await expect(openTokenFile(path, () => {})).rejects.toThrow(`${path}: contains no tokens`);
  });

  test("must contain only tokens that can be sent; the error names the line, not the token", async () => {
    const path = tokenFile("# ours\none\n\nse cret\n");
    const onChange = vi.fn();
    await expect(openTokenFile(path, onChange)).rejects.toThrow(
      new RegExp(`^${path}:4: the token contains a character (?!.*cret)`),
    );
    writeFileSync(path, "one\n");
    const file = await openTokenFile(path, onChange);
    onTestFinished(() => file.close());
    writeFileSync(path, "two\nse cret\n");
    await vi.waitUntil(() => onChange.mock.lastCall !== undefined, 10_000);
    const [tokens, error] = onChange.mock.lastCall ?? [];
    expect(tokens).toEqual(["one"]);
    expect(String(error)).toContain(`${path}:2: the token contains`);
    expect(String(error)).not.toContain("cret");
  }, 30_000);

  test("is reloaded when it is written or replaced, and keeps its tokens when deleted", async () => {
    const path = tokenFile("one\n");
    const onChange = vi.fn();
    const file = await openTokenFile(path, onChange);
    onTestFinished(() => file.close());

    writeFileSync(path, "two\n");
    await vi.waitUntil(() => file.tokens.includes("two"), 10_000);

    writeFileSync(`${path}.new`, "three\n");
    renameSync(`${path}.new`, path);
    await vi.waitUntil(() => file.tokens.includes("three"), 10_000);

    rmSync(path);
    await vi.waitUntil(() => onChange.mock.lastCall?.[1] !== undefined, 10_000);
    expect(file.tokens).toEqual(["three"]);
  }, 30_000);
});

describe("web pages", () => {
  const origin = "https://app.example.com";

  async function preflight(url: string, headers: Record<string, string> = {}) {
    return fetch(url + getRunnerPath, {
      method: "OPTIONS",
      headers: {
        Origin: origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,connect-protocol-version,content-type",
        ...headers,
      },
    });
  }

  test("are not allowed to call by default", async () => {
    const { url } = await startServer();
    const response = await preflight(url);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  test.each([
    [[origin], origin],
    [["https://other.example.com", origin], origin],
    [["*"], "*"],
  ])("of the origins %j are allowed to call", async (corsOrigins, allowed) => {
    const { url } = await startServer({ corsOrigins });
    const preflighted = await preflight(url);
    expect(preflighted.status).toBe(204);
    expect(preflighted.headers.get("Access-Control-Allow-Origin")).toBe(allowed);
    expect(preflighted.headers.get("Access-Control-Allow-Methods")).toContain("POST");
    for (const header of ["Authorization", "Connect-Protocol-Version", "Grpc-Timeout"]) {
      expect(preflighted.headers.get("Access-Control-Allow-Headers")?.toLowerCase()).toContain(
        header.toLowerCase(),
      );
    }
    const response = await post(url, body, { Origin: origin });
    expect(response.status).toBe(200);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe(allowed);
    expect(response.headers.get("Access-Control-Expose-Headers")).toContain("Grpc-Status");
  });

  test.each([
    "app.example.com",
    "https://app.example.com/",
    "https://app.example.com/x",
    "https://App.example.com",
    "https://app.example.com:443",
    "https://user@app.example.com",
    "https://*.example.com",
    "https://a.example.com https://b.example.com",
    "",
  ])("cannot have the origin %j", (corsOrigin) => {
    const store = createMemoryRunnerStore();
    expect(() => createRunnerServer({ store, corsOrigins: [origin, corsOrigin] })).toThrow(
      `${JSON.stringify(corsOrigin)} is not an origin`,
    );
  });

  test.each(["http://localhost:3000", "http://[::1]:81", "capacitor://localhost", "null"])(
    "can have the origin %s",
    (corsOrigin) => {
      const store = createMemoryRunnerStore();
      createRunnerServer({ store, corsOrigins: [corsOrigin] });
    },
  );

  test("of other origins are not allowed to call, and the response varies by origin", async () => {
    const { url } = await startServer({ corsOrigins: ["https://other.example.com"] });
    const response = await preflight(url);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
    expect(response.headers.get("Vary")).toBe("Origin");
  });

  test("can read the error when their token is rejected", async () => {
    const { url } = await startServer({
      corsOrigins: [origin],
      verifyToken: createTokenVerifier(["first"]),
    });
    expect((await preflight(url)).status).toBe(204);
    const response = await post(url, body, { Origin: origin });
    expect(response.status).toBe(401);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe(origin);
  });
});
