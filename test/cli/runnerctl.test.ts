import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answer, startFailingServer } from "../support/failing-server.ts";
import { startProxy } from "../support/proxy.ts";
import { type RunningRunnerctl, runRunnerctl, startRunnerctl } from "../support/runnerctl.ts";

const root = new URL("../..", import.meta.url).pathname;
const samples = join(root, "examples/runners");
const id = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

let server: RunningRunnerctl;
let url: string;

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
  [, url = ""] = await server.printed(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
});

afterAll(async () => {
  server.process.kill("SIGTERM");
  await server.ended;
});

describe("runnerctl get -o json", () => {
  test("prints the runner as it is on the wire", async () => {
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
    // What $serve asks for: the heartbeat goes on.
    expect($serve).toEqual({ heartbeat: "30s" });
    expected.runner.status.updatedAt = expect.stringMatching(/^2\d{3}-.*:[03]0Z$/);
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  test("takes the base URL from the environment, the newer name first", async () => {
    const env = { ONA_BASE_URL: url, GITPOD_BASE_URL: "http://127.0.0.1:1" };
    expect(await runRunnerctl(["get", id, "-o", "json"], env)).toMatchObject({ code: 0 });
  });

  test("goes through the proxy that the environment names", async () => {
    const proxy = await startProxy();
    // This machine, by a name that is not known for it.
    const baseUrl = url.replace("127.0.0.1", "0.0.0.0");
    const args = ["get", id, "-o", "json", "--base-url", baseUrl];
    // The server answers to names of this machine only: that it says so is an answer, too.
    expect(await runRunnerctl(args, { HTTP_PROXY: proxy.url })).toMatchObject({ code: 4 });
    expect(proxy.targets).toEqual([new URL(baseUrl).host]);
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: "0.0.0.0" };
    expect(await runRunnerctl(args, env)).toMatchObject({ code: 4 });
    expect(proxy.targets).toHaveLength(1);
  });

  test("ends after the answer, though the server keeps the connection", async () => {
    await using keeping = await startFailingServer([answer(200, { runner: { runnerId: id } })]);
    const { code } = await runRunnerctl(["get", id, "--base-url", keeping.url]);
    expect({ code, requests: keeping.requests.length }).toEqual({ code: 0, requests: 1 });
  });

  test("ends with 3 for a runner that does not exist", async () => {
    const unknownId = "00000000-0000-4000-8000-000000000000";
    const end = await runRunnerctl(["get", unknownId, "-o", "json", "--base-url", url]);
    expect(end).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining(unknownId) });
  });

  test("ends with 2 for an id that is no UUID", async () => {
    const end = await runRunnerctl(["get", "nope", "-o", "json", "--base-url", url]);
    expect(end).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("UUID") });
  });
});

describe("runnerctl serve", () => {
  test("prints a line to try that works as it stands", async () => {
    const [, runnerId = "", to = ""] = await server.printed(/-d '{"runnerId":"(.+)"}' (\S+)\n/);
    const response = await fetch(to, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ runnerId }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ runner: { runnerId: id } });
  });

  test("is understood by buf curl", async () => {
    const to = `${url}/gitpod.v1.RunnerService/GetRunner`;
    const args = ["curl", "--schema", "proto", "--data", JSON.stringify({ runnerId: id }), to];
    const buf = join(root, "node_modules/.bin/buf");
    const { stdout } = await promisify(execFile)(buf, args, { cwd: root });
    expect(JSON.parse(stdout)).toMatchObject({ runner: { runnerId: id } });
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ends with 0 on %s", async (signal) => {
    const other = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
    await other.printed(/Try:/);
    other.process.kill(signal);
    expect(await other.ended).toMatchObject({ code: 0, stderr: "" });
  });

  test("ends with 1 and one clear line when the port is taken", async () => {
    const { port } = new URL(url);
    const { code, stderr } = await runRunnerctl(["serve", "--data", samples, "--port", port]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `runnerctl: port ${port} on 127.0.0.1 is in use; choose another with --port\n`,
    );
  });

  test("lists every mistake in the files and does not start", async () => {
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
