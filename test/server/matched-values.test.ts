import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  createRunnerServer,
  createTokenVerifier,
  openTokenFile,
  type RunnerServerOptions,
} from "../../src/server/index.ts";
import { startRunnerctl } from "../support/runnerctl.ts";
import { getRunnerPath, post, runner, startServer } from "../support/server.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

// Values that are compared with something from outside match in every spelling, or are refused.

const body = JSON.stringify({ runnerId: runner.runnerId });

describe("an origin", () => {
  test.each([
    "http://x.example.com:8080",
    "http://[::1]:3000",
    "https://xn--mnchen-3ya.example",
    "capacitor://localhost",
    "chrome-extension://abcdefgh",
    "null",
  ])("%s is allowed", async (origin) => {
    const { url } = await startServer({ corsOrigins: [origin] });
    const { headers } = await post(url, body, { Origin: origin });
    expect(headers.get("Access-Control-Allow-Origin")).toBe(origin);
  });

  test.each([
    "https://x.example.com/",
    "HTTPS://X.Example.COM",
    "https://x.example.com:443",
    "http://x.example.com:80",
    "https://münchen.example",
    "x.example.com",
    "x.example.com:8080",
    "https://x.example.com/app",
    "https://x.example.com?",
    "https://x.example.com/#",
    "https://user@x.example.com",
    "https://*.example.com",
    "https://",
    "//x.example.com",
    "mailto:x@example.com",
    "https://a b",
    "",
  ])("%j is refused", async (origin) => {
    expect(() => create({ corsOrigins: [origin] })).toThrow(/origin/);
    if (origin !== "") {
      await expectUsageError("--cors-origin", origin, "--cors-origin: '");
    }
  });
});

describe("a path prefix", () => {
  test.each(["v2", "/v2", "v2/", "/v2/"])("%s serves under /v2", async (pathPrefix) => {
    const { url } = await startServer({ pathPrefix });
    expect((await post(`${url}/v2`, body)).status).toBe(200);
    expect((await post(url, body)).status).toBe(200);
  });

  test("/ serves under the root only, and an empty one is the default", async () => {
    const { url } = await startServer({ pathPrefix: "/" });
    expect((await post(url, body)).status).toBe(200);
    expect((await fetch(`${url}/api${getRunnerPath}`, { method: "POST" })).status).toBe(404);
    const other = await startServer({ pathPrefix: "" });
    expect((await post(`${other.url}/api`, body)).status).toBe(200);
  });

  test.each([
    "/a?b",
    "/a#b",
    "/a%20b",
    "/a b",
    "/a//b",
    "//a",
    "/ä",
    "/./a",
    "/..",
    "http://x/api",
  ])("%s is refused", async (pathPrefix) => {
    expect(() => create({ pathPrefix })).toThrow(/must be a path, such as \/api/);
    await expectUsageError("--path-prefix", pathPrefix);
  });
});

describe("a host", () => {
  test.each(["[::1]", "::1", "LOCALHOST", "127.0.0.1"])("%s is listened on", async (host) => {
    const { url } = await startServer({ host });
    expect((await post(url, body)).status).toBe(200);
  });

  test.each([
    ["127.0.0.1:8080", "choose it with --port 8080"],
    ["localhost:80", "choose it with --port 80"],
    ["[::1]:8080", "choose it with --port 8080"],
    ["http://localhost", "must be an IP address or a name"],
    ["[localhost]", "must be an IP address or a name"],
    ["*", "0.0.0.0 for all addresses"],
    [" localhost", "must be an IP address or a name"],
    ["a,b", "must be an IP address or a name"],
  ])("%j is refused", async (host, message) => {
    expect(() => create({ host, allowUnauthenticated: true })).toThrow(message);
    await expectUsageError("--host", host);
  });
});

describe("a token", () => {
  test.each(["a b", "", " a", "a\tb", "schlüssel", "a\n", "\u{1f511}"])(
    "%j is refused",
    (token) => {
      expect(() => createTokenVerifier(["good", token])).toThrow(
        /^token 2 (is empty|contains a character)/,
      );
    },
  );

  test("with a space is refused in a file, without showing it", async () => {
    const folder = makeTempFolder();
    folder.write("tokens", "good\nBearer sesame\n");
    const path = `${folder.path}/tokens`;
    await expect(openTokenFile(path, () => {})).rejects.toThrow(
      `${path}:2: the token contains a character`,
    );
  });

  test("in a list is accepted with spaces around it", async () => {
    const server = startRunnerctl(["serve", "--sample", "--port", "0"], {
      RUNNER_SERVER_TOKENS: "a, b ,c",
    });
    onTestFinished(() => void server.process.kill());
    const [, url = ""] = await server.waitForStdout(/on (http:\S+)\n/);
    for (const [token, status] of [
      ["a", 200],
      ["b", 200],
      ["c", 200],
      ["d", 401],
    ] as const) {
      const response = await post(url, body, { Authorization: `Bearer ${token}` });
      expect([token, response.status]).toEqual([token, status]);
    }
  });

  test("with a space is a usage error, without showing it", async () => {
    const { code, stderr } = await startRunnerctl(["serve", "--sample", "--token", "open sesame"])
      .exited;
    expect(code).toBe(2);
    expect(stderr).toContain("--token: token 1 contains a character");
    expect(stderr).not.toContain("sesame");
  });
});

function create(options: Partial<RunnerServerOptions>): unknown {
  return createRunnerServer({ store: { get: () => runner }, ...options });
}

async function expectUsageError(
  flag: string,
  value: string,
  message = `option '${flag} `,
): Promise<void> {
  const { code, stdout, stderr } = await startRunnerctl(["serve", "--sample", `${flag}=${value}`])
    .exited;
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
}
