import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { getUnreachableUrl, respond, startFailingServer } from "../../support/failing-server.ts";
import { type RunnerctlProcess, runRunnerctl, startRunnerctl } from "../../support/runnerctl.ts";
import { samples } from "../../support/sample-runner.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const { version } = JSON.parse(
  readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
);
const node = process.versions.node;

let server: RunnerctlProcess;
let url: string;

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", samples, "--port", "0", "--token", "right"]);
  [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
});

afterAll(async () => {
  server.process.kill();
  await server.exited;
});

async function serverReport(baseUrl: string, env: NodeJS.ProcessEnv = {}) {
  const args = ["version", "--server", "--base-url", baseUrl, "-o", "json", "--timeout", "500ms"];
  const { code, stdout, stderr } = await runRunnerctl(args, env);
  expect(stderr).toBe("");
  return { code, server: JSON.parse(stdout).server };
}

describe("version", () => {
  test("prints the versions of runnerctl and Node.js", async () => {
    expect(await runRunnerctl(["version"])).toEqual({
      code: 0,
      stdout: `runnerctl:  ${version}\nNode.js:    ${node}\n`,
      stderr: "",
    });
  });

  test("prints JSON and YAML", async () => {
    const json = await runRunnerctl(["version", "-o", "json"]);
    expect(JSON.parse(json.stdout)).toEqual({ runnerctl: version, node, server: null });
    const yaml = await runRunnerctl(["version", "-o", "yaml"]);
    expect(yaml.stdout).toBe(`runnerctl: ${version}\nnode: ${node}\nserver: null\n`);
  });

  test("rejects options of the server without --server", async () => {
    expect(await runRunnerctl(["version", "--base-url", url])).toEqual({
      code: 2,
      stdout: "",
      stderr: "runnerctl: option '--base-url <url>' has no effect without --server\n",
    });
  });
});

describe("version --server", () => {
  test("prints what is known of the server", async () => {
    const env = { ONA_API_KEY: "right", ONA_BASE_URL: `${url}/api` };
    const { code, stdout, stderr } = await runRunnerctl(["version", "--server"], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.replace(/\d+ ms/, "… ms")).toBe(
      [
        `runnerctl:  ${version}`,
        `Node.js:    ${node}`,
        "Server:",
        `  Base URL:   ${url}/api`,
        "  Reachable:  yes, in … ms",
        "  Protocol:   Connect over HTTP/1.1",
        "  GetRunner:  answers, and accepts the token",
        "  Ready:      yes",
        "",
      ].join("\n"),
    );
  });

  test("reports it as JSON", async () => {
    expect(await serverReport(url, { ONA_API_KEY: "right" })).toEqual({
      code: 0,
      server: {
        baseUrl: url,
        reachable: true,
        latencyMs: expect.any(Number),
        protocol: "Connect over HTTP/1.1",
        software: null,
        tokenSent: true,
        ready: { ok: true, message: "ok" },
        error: null,
      },
    });
  });

  test("exits with 4 if the token is not accepted", async () => {
    expect(await serverReport(url, { ONA_API_KEY: "wrong" })).toMatchObject({
      code: 4,
      server: { reachable: true, error: { code: "unauthenticated" } },
    });
  });

  test("exits with 6 if the server is not reachable", async () => {
    const baseUrl = await getUnreachableUrl();
    expect(await serverReport(baseUrl)).toEqual({
      code: 6,
      server: {
        baseUrl,
        reachable: false,
        latencyMs: null,
        protocol: null,
        software: null,
        tokenSent: false,
        ready: null,
        error: { code: "unavailable", message: expect.stringContaining("ECONNREFUSED") },
      },
    });
  });

  test("exits with 1 if it is not a server of this API", async () => {
    const page = respond(200, "<p>Hello", { "Content-Type": "text/html", Server: "nginx/1\u009b" });
    const other = await startFailingServer([page]);
    onTestFinished(() => other[Symbol.asyncDispose]());
    expect(await serverReport(other.url)).toMatchObject({
      code: 1,
      server: {
        reachable: true,
        protocol: null,
        ready: null,
        error: { message: expect.stringContaining("expected an API response") },
      },
    });
    const { stdout } = await runRunnerctl(["version", "--server", "--base-url", other.url]);
    expect(stdout).toContain("  Software:   nginx/1\ufffd\n");
    expect(stdout).toContain("  Ready:      unknown: no /readyz\n");
    expect(other.requests.map(({ method, url }) => `${method} ${url}`).slice(0, 2)).toEqual([
      "POST /gitpod.v1.RunnerService/GetRunner",
      "GET /readyz",
    ]);
    // Only the API gets the token.
    expect(other.requests[1]?.headers.authorization).toBeUndefined();
  });

  test("says if the server is not ready", async () => {
    const notFound = respond(404, { code: "not_found", message: "none" });
    const closing = respond(503, "closing\n", { "Content-Type": "text/plain" });
    const other = await startFailingServer([notFound, closing, notFound, closing]);
    onTestFinished(() => other[Symbol.asyncDispose]());
    expect(await serverReport(other.url)).toMatchObject({
      code: 0,
      server: { ready: { ok: false, message: "closing" } },
    });
    const { stdout } = await runRunnerctl(["version", "--server", "--base-url", other.url]);
    expect(stdout).toContain("  GetRunner:  answers, and needs no token\n");
    expect(stdout).toContain("  Ready:      no: closing\n");
  });
});
