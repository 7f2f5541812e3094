import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { runnerId, serveRunnerFile } from "../../support/runner-file.ts";
import { runRunnerctl, startRunnerctl, startRunnerctlOnTerminal } from "../../support/runnerctl.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const main = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

const active = { phase: "RUNNER_PHASE_ACTIVE", version: "1" };
const degraded = {
  phase: "RUNNER_PHASE_DEGRADED",
  message: "No more machines.",
  version: "1",
  capabilities: ["RUNNER_CAPABILITY_WARM_POOL"],
};

/** Adds a heartbeat that is `seconds` old. */
const withHeartbeat = (status: object, seconds = 0) => ({
  ...status,
  updatedAt: new Date(Date.now() - seconds * 1000).toISOString(),
});

const watching = ["watch", runnerId, "--interval", "50ms"];

/** Masks the times of the lines, and error messages of the system, which differ from run to run. */
const mask = (text: string) =>
  text.replace(/^\d{4}-[\d-]+T[\d:]+Z/gm, "TIME").replace(/(\[unavailable\]) .+/g, "$1 …");

describe.concurrent("watch in a pipe", () => {
  test("prints each change, retries while the server is down, and exits with 0 when the runner is deleted", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, withHeartbeat(active));
    const watch = startRunnerctl(watching, { ONA_BASE_URL: server.url });
    await watch.waitForStdout(/capabilities/);
    server.write(withHeartbeat(active));
    server.write(withHeartbeat(degraded));
    await watch.waitForStdout(/\+warm-pool/);
    await server.stop();
    await watch.waitForStderr(/error/);
    server.write(withHeartbeat(active));
    await server.restart();
    await watch.waitForStdout(/-warm-pool/);
    server.remove();
    const { code, stdout, stderr } = await watch.exited;
    expect(code).toBe(0);
    expect(mask(stdout)).toMatchInlineSnapshot(`
      "TIME  runner        Build farm
      TIME  phase         active
      TIME  health        healthy
      TIME  message       none
      TIME  version       1
      TIME  capabilities  none
      TIME  phase         active -> degraded
      TIME  health        healthy -> degraded: The runner reports that it is degraded.
      TIME  message       No more machines.
      TIME  capabilities  +warm-pool
      TIME  phase         degraded -> active
      TIME  health        degraded -> healthy
      TIME  message       none
      TIME  capabilities  -warm-pool
      TIME  deleted       the runner no longer exists
      "
    `);
    expect(mask(stderr)).toMatchInlineSnapshot(`
      "TIME  error         [unavailable] …
      TIME  recovered     the server responds again
      "
    `);
  });

  test("prints a late heartbeat as soon as it is late, without any other change", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, withHeartbeat(active));
    const watch = startRunnerctl(watching, { ONA_BASE_URL: server.url });
    await watch.waitForStdout(/ health {8}healthy\n/);
    // Two seconds before the limit: time for the server to read the file.
    server.write(withHeartbeat(active, 88));
    const [line] = await watch.waitForStdout(/.* health {8}healthy -> .+\n/);
    expect(mask(line).replace(/9\d s ago/, "9… s ago")).toMatchInlineSnapshot(`
      "TIME  health        healthy -> degraded: The last heartbeat was 9… s ago; one is due every 30 s.
      "
    `);
    watch.process.kill("SIGINT");
    expect(await watch.exited).toMatchObject({ code: 130, stderr: "" });
  });

  test("prints one JSON event per line, with all keys", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, withHeartbeat(active));
    const watch = startRunnerctl([...watching, "-o", "json"], { ONA_BASE_URL: server.url });
    await watch.waitForStdout(/"type":"runner".+\n/);
    server.write(withHeartbeat(degraded));
    await watch.waitForStdout(/"type":"changed".+\n/);
    await server.stop();
    await watch.waitForStdout(/"type":"error".+\n/);
    await server.restart();
    await watch.waitForStdout(/"type":"recovered".+\n/);
    server.remove();
    const { code, stdout, stderr } = await watch.exited;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual([
      "runner",
      "changed",
      "error",
      "recovered",
      "deleted",
    ]);
    for (const event of events) {
      expect(Object.keys(event)).toEqual(["type", "at", "runnerId", "changes", "error", "status"]);
      expect(event.status).toMatchObject({ runnerId, name: "Build farm" });
    }
    expect(events[1]?.changes[0]).toEqual({
      field: "phase",
      from: "RUNNER_PHASE_ACTIVE",
      to: "RUNNER_PHASE_DEGRADED",
    });
    expect(events[2]?.error).toEqual({
      code: "unavailable",
      message: expect.stringContaining("ECONNREFUSED"),
      requestId: null,
    });
  });

  test("prints one YAML document per event", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, withHeartbeat(active));
    const watch = startRunnerctl([...watching, "-o", "yaml"], { ONA_BASE_URL: server.url });
    await watch.waitForStdout(/^---\ntype: runner$/m);
    server.remove();
    const { code, stdout } = await watch.exited;
    expect(code).toBe(0);
    const events = parseAllDocuments(stdout).map((document) => document.toJS());
    expect(events).toMatchObject([
      { type: "runner", status: { health: { state: "healthy" } } },
      { type: "deleted", status: { health: { state: "healthy" } } },
    ]);
  });

  test("waits for a server that has not started yet", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, withHeartbeat(active));
    await server.stop();
    const watch = startRunnerctl(watching, { ONA_BASE_URL: server.url });
    await watch.waitForStderr(/error/);
    await server.restart();
    await watch.waitForStdout(/capabilities/);
    watch.process.kill("SIGINT");
    const { code, stderr } = await watch.exited;
    expect(code).toBe(130);
    expect(mask(stderr)).toMatchInlineSnapshot(`
      "TIME  error         [unavailable] …
      TIME  recovered     the server responds again
      "
    `);
  });
});

describe.concurrent("watch exits with 0 soon after its reader has closed the pipe", () => {
  test.for([
    ["of text", "text", "head -1 >/dev/null"],
    ["of JSON", "json", "head -1 >/dev/null"],
    ["before the first output", "text", ":"],
  ] as const)("%s", async ([, output, reader], context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, withHeartbeat(active));
    const args = `${main} watch ${runnerId} --interval 1m -o ${output}`;
    const command = `${process.execPath} ${args} | ${reader}; echo "\${PIPESTATUS[0]}"`;
    const env = { PATH: process.env.PATH, ONA_BASE_URL: server.url };
    const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-c", command], {
      env,
      timeout: 20_000,
    });
    expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
  });

  test("although the server is unreachable", async ({ expect }) => {
    const args = `${main} watch ${runnerId} --interval 1m --timeout 500ms`;
    const command = `${process.execPath} ${args} 2>/dev/null | sleep 3; echo "\${PIPESTATUS[0]}"`;
    const env = { PATH: process.env.PATH, ONA_BASE_URL: "http://127.0.0.1:1" };
    const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", command], {
      env,
      timeout: 20_000,
    });
    expect(stdout).toBe("0\n");
  });
});

describe.concurrent("watch on a terminal", () => {
  test("updates the status line while the runner changes and the server stops and restarts", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, withHeartbeat(active));
    const watch = startRunnerctlOnTerminal(watching, { ONA_BASE_URL: server.url });
    const line = (text: string) => watch.waitForStdout(new RegExp(`\\r␛\\[K␛\\[\\?7l${text}`));
    await line("no response yet");
    await line(
      "␛\\[32mphase active␛\\[39m, ␛\\[32mhealth healthy␛\\[39m, heartbeat [^,]+, seen just now␛\\[\\?7h",
    );
    server.write(withHeartbeat(degraded));
    await line("␛\\[33mphase degraded␛\\[39m, ␛\\[33mhealth degraded");
    await server.stop();
    await line(".+, ␛\\[31merror: unavailable␛\\[39m␛\\[\\?7h");
    // Redrawn by the timer while calls fail.
    await line(".+, seen [23] s ago, ␛\\[31merror");
    server.write(withHeartbeat(active));
    await server.restart();
    await watch.waitForStdout(/recovered {5}␛\[32mthe server responds again␛\[39m\r\n/);
    await watch.waitForStdout(/phase {9}␛\[32mdegraded -> active␛\[39m\r\n/);
    watch.process.stdin.write("\x03");
    const { code, stdout } = await watch.exited;
    expect(code).toBe(130);
    // The line is cleared at the end.
    expect(stdout).toMatch(/\r␛\[K$/);
  });

  test.for([
    ["TERM=dumb", [], { TERM: "dumb" }],
    ["-o json", ["-o", "json"], {}],
  ] as const)("has no status line with %s", async ([, args, env], context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, withHeartbeat(active));
    const watch = startRunnerctlOnTerminal([...watching, ...args], {
      ONA_BASE_URL: server.url,
      ...env,
    });
    await watch.waitForStdout(/capabilities/);
    server.remove();
    const { code, stdout } = await watch.exited;
    expect(code).toBe(0);
    expect(stdout).not.toContain("␛");
  });
});

describe.concurrent("watch exits", () => {
  test("with 3 if the runner does not exist at the start", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, active);
    const unknownId = "00000000-0000-4000-8000-000000000000";
    expect(await runRunnerctl(["watch", unknownId], { ONA_BASE_URL: server.url })).toEqual({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(
        `^runnerctl: \\[not_found\\] no runner with id ${unknownId} \\(request id \\S+\\)\n$`,
      ),
    });
  });

  test("with 4 if the token is wrong", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, active, ["--token", "right"]);
    const env = { ONA_BASE_URL: server.url, ONA_API_KEY: "wrong" };
    const { code, stdout, stderr } = await runRunnerctl(watching, env);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/^runnerctl: \[unauthenticated\] .+\n$/);
  });

  test("with 2 for an invalid interval", async ({ expect }) => {
    const { code, stderr } = await runRunnerctl(["watch", runnerId, "--interval", "5"]);
    expect(code).toBe(2);
    expect(stderr).toContain("with a unit, such as 500ms, 5s or 2m");
  });
});
