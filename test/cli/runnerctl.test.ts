import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { respond, startFailingServer } from "../support/failing-server.ts";
import { startProxy } from "../support/proxy.ts";
import { type RunnerctlProcess, runRunnerctl, startRunnerctl } from "../support/runnerctl.ts";

const root = new URL("../..", import.meta.url).pathname;
const samples = join(root, "examples/runners");
const id = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

let server: RunnerctlProcess;
let url: string;

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
  [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
});

afterAll(async () => {
  server.process.kill("SIGTERM");
  await server.exited;
});

describe("runnerctl get -o json", () => {
  test("prints the response as on the wire", async () => {
    const { code, stdout, stderr } = await runRunnerctl([
      "get",
      id,
      "-o",
      "json",
      "--base-url",
      url,
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const file = readFileSync(join(samples, "aws-enterprise-active.json"), "utf8");
    const { $serve, ...expected } = JSON.parse(file);
    // $serve keeps the heartbeat fresh.
    expect($serve).toEqual({ heartbeat: "30s" });
    expected.runner.status.updatedAt = expect.stringMatching(/^2\d{3}-.*:[03]0Z$/);
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  test("reads the base URL from ONA_BASE_URL before GITPOD_BASE_URL", async () => {
    const env = { ONA_BASE_URL: url, GITPOD_BASE_URL: "http://127.0.0.1:1" };
    expect(await runRunnerctl(["get", id, "-o", "json"], env)).toMatchObject({ code: 0 });
  });

  test("uses the proxy from the environment", async () => {
    const proxy = await startProxy();
    // An address of this machine that is not recognized as loopback, so that the proxy applies.
    const baseUrl = url.replace("127.0.0.1", "0.0.0.0");
    const args = ["get", id, "-o", "json", "--base-url", baseUrl];
    // The server rejects hosts that are not loopback (exit code 4), which proves that it was reached.
    expect(await runRunnerctl(args, { HTTP_PROXY: proxy.url })).toMatchObject({ code: 4 });
    expect(proxy.targets).toEqual([new URL(baseUrl).host]);
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: "0.0.0.0" };
    expect(await runRunnerctl(args, env)).toMatchObject({ code: 4 });
    expect(proxy.targets).toHaveLength(1);
  });

  test("exits after the response although the server keeps the connection open", async () => {
    await using keepAliveServer = await startFailingServer([
      respond(200, { runner: { runnerId: id } }),
    ]);
    const { code } = await runRunnerctl(["get", id, "--base-url", keepAliveServer.url]);
    expect({ code, requests: keepAliveServer.requests.length }).toEqual({ code: 0, requests: 1 });
  });

  test("exits with 3 if the runner does not exist", async () => {
    const unknownId = "00000000-0000-4000-8000-000000000000";
    const end = await runRunnerctl(["get", unknownId, "-o", "json", "--base-url", url]);
    expect(end).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining(unknownId) });
  });

  test("exits with 2 if the ID is not a UUID", async () => {
    const end = await runRunnerctl(["get", "nope", "-o", "json", "--base-url", url]);
    expect(end).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("UUID") });
  });
});

describe("runnerctl serve", () => {
  test("prints a command to try that works as printed", async () => {
    const [, runnerId = "", to = ""] = await server.waitForStdout(
      /-d '{"runnerId":"(.+)"}' (\S+)\n/,
    );
    const response = await fetch(to, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ runnerId }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ runner: { runnerId: id } });
  });

  test("serves buf curl", async () => {
    const to = `${url}/gitpod.v1.RunnerService/GetRunner`;
    const args = ["curl", "--schema", "proto", "--data", JSON.stringify({ runnerId: id }), to];
    const buf = join(root, "node_modules/.bin/buf");
    const { stdout } = await promisify(execFile)(buf, args, { cwd: root });
    expect(JSON.parse(stdout)).toMatchObject({ runner: { runnerId: id } });
  });

  test.each(["SIGINT", "SIGTERM"] as const)("exits with 0 on %s", async (signal) => {
    const other = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
    await other.waitForStdout(/Try:/);
    other.process.kill(signal);
    expect(await other.exited).toMatchObject({ code: 0, stderr: "" });
  });

  test("exits with 1 and a single line if the port is in use", async () => {
    const { port } = new URL(url);
    const { code, stderr } = await runRunnerctl(["serve", "--data", samples, "--port", port]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `runnerctl: port ${port} on 127.0.0.1 is in use; choose another with --port\n`,
    );
  });

  test("lists every error in the fixtures and does not start", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fixtures-"));
    writeFileSync(join(folder, "a.json"), "{");
    writeFileSync(join(folder, "b.json"), '{"runner":{"status":{"publicKey":"AAAA"}}}');
    const { code, stdout, stderr } = await runRunnerctl(["serve", "--data", folder]);
    rmSync(folder, { recursive: true });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`${join(folder, "a.json")}:1:2: `);
    expect(stderr).toContain(`${join(folder, "b.json")}:1:34: runner.status.publicKey: `);
  });
});
