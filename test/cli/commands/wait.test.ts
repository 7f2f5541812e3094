import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, type TestContext, test, vi } from "vitest";
import { runnerId, serveRunnerFile } from "../../support/runner-file.ts";
import {
  type RunnerctlProcess,
  runRunnerctl,
  startRunnerctl,
  startRunnerctlOnTerminal,
} from "../../support/runnerctl.ts";
import { samples } from "../../support/sample-runner.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const createdId = "c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702";
const activeId = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const unknownId = "00000000-0000-4000-8000-000000000000";

const created = { phase: "RUNNER_PHASE_CREATED" };
const active = () => ({ phase: "RUNNER_PHASE_ACTIVE", updatedAt: new Date().toISOString() });

const waiting = (id: string, condition: string, ...more: string[]) => [
  ...["wait", id, "--interval", "50ms", "--for", condition],
  ...more,
];

let sampleServer: RunnerctlProcess;
let env: { ONA_BASE_URL: string };

beforeAll(async () => {
  sampleServer = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
  const [, url = ""] = await sampleServer.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
  env = { ONA_BASE_URL: url };
});

afterAll(async () => {
  sampleServer.process.kill();
  await sampleServer.exited;
});

/** Serves a created runner to the calls for which `responds` returns true; others get no response. */
async function serveFirstCall(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  responds: () => boolean,
): Promise<{ url: string }> {
  const server = createServer((_, response) => {
    if (responds()) {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ runner: { runnerId, status: created } }));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe.concurrent("wait in a pipe", () => {
  test.for([
    ["health=healthy", "health=healthy"],
    ["PHASE=RUNNER_PHASE_ACTIVE", "phase=active"],
    ["capability=warmPool", "capability=warm-pool"],
  ] as const)("exits with 0 and one line when %s holds", async ([spelling, text], { expect }) => {
    const { code, stdout, stderr } = await runRunnerctl(waiting(activeId, spelling), env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^\S+: {2}met after \d+ m?s\n$/);
    expect(stdout).toContain(`${text}:  `);
  });

  test("prints the last status report as JSON and YAML", async ({ expect }) => {
    const json = await runRunnerctl(waiting(activeId, "phase=active", "-o", "json"), env);
    expect({ ...json, stdout: JSON.parse(json.stdout) }).toMatchObject({
      code: 0,
      stdout: {
        runnerId: activeId,
        phase: "RUNNER_PHASE_ACTIVE",
        health: { state: "healthy", reasons: [] },
      },
      stderr: "",
    });
    const yaml = await runRunnerctl(waiting(activeId, "phase=active", "-o", "yaml"), env);
    expect(yaml).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`runnerId: ${activeId}\n`),
    });
  });

  test("exits with 0 for deleted if the runner does not exist", async ({ expect }) => {
    expect(await runRunnerctl(waiting(unknownId, "deleted"), env)).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^deleted: {2}met after .+\n$/),
      stderr: "",
    });
  });

  test("exits with 5 after the timeout, and prints why", async ({ expect }) => {
    const args = waiting(createdId, "health=healthy", "--timeout", "2s");
    expect(await runRunnerctl(args, env)).toEqual({
      code: 5,
      stdout: "",
      stderr:
        "runnerctl: health=healthy not met after 2 s: health is unavailable: The runner was created but has not signed up yet.\n",
    });
  });

  test("prints the status report after the timeout, too", async ({ expect }) => {
    const args = waiting(createdId, "phase=active", "--timeout", "2s", "-o", "json");
    const { code, stdout, stderr } = await runRunnerctl(args, env);
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: "runnerctl: phase=active not met after 2 s: phase is created\n",
    });
    expect(JSON.parse(stdout)).toMatchObject({ health: { state: "unavailable" } });
  });

  test("does not report a call that the end of the wait cut off", async (context) => {
    const { expect } = context;
    // The second call begins just before the end, and gets no response.
    let calls = 0;
    const { url } = await serveFirstCall(context, () => ++calls === 1);
    const args = ["wait", runnerId, "--for", "phase=active", "--interval", "1900ms"];
    const end = await runRunnerctl([...args, "--timeout", "2200ms"], { ONA_BASE_URL: url });
    expect(calls).toBe(2);
    expect(end).toMatchObject({
      code: 5,
      stderr: "runnerctl: phase=active not met after 2 s: phase is created\n",
    });
  });

  test("reports a call without a response for a long time before the end", async (context) => {
    const { expect } = context;
    let calls = 0;
    const { url } = await serveFirstCall(context, () => ++calls === 1);
    const args = ["wait", runnerId, "--for", "phase=active", "--interval", "50ms"];
    const end = await runRunnerctl([...args, "--timeout", "2s"], { ONA_BASE_URL: url });
    expect(end.stderr).toMatch(/phase is created; the last call failed: \[deadline_exceeded\]/);
  });

  test("measures time by the monotonic clock", async ({ expect }) => {
    // The wall clock jumps by a minute at each look.
    const jump = "const now = Date.now; let m = 0; Date.now = () => now() + 60_000 * m++;";
    const jumping = { ...env, NODE_OPTIONS: `--import data:text/javascript,${encodeURI(jump)}` };
    const { code, stdout } = await runRunnerctl(waiting(activeId, "phase=active"), jumping);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^phase=active: {2}met after \d+ m?s\n$/),
    });
    const [, afterMs] = /after (\d+) s/.exec(stdout) ?? [];
    expect(Number(afterMs ?? 0)).toBeLessThan(30);
  });

  test("exits with 6 if the server was never reachable", async ({ expect }) => {
    const args = waiting(activeId, "health=healthy", "--timeout", "300ms");
    const unreachable = { ONA_BASE_URL: "http://127.0.0.1:1" };
    const { code, stdout, stderr } = await runRunnerctl(args, unreachable);
    expect({ code, stdout }).toEqual({ code: 6, stdout: "" });
    // The timeout may have ended the last call.
    expect(stderr).toMatch(/^runnerctl: \[(unavailable|deadline_exceeded)\] .+\n$/);
  });

  test("exits with 3 if the runner does not exist", async ({ expect }) => {
    expect(await runRunnerctl(waiting(unknownId, "phase=deleted"), env)).toEqual({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(
        `^runnerctl: \\[not_found\\] no runner with id ${unknownId} \\(request id \\S+\\)\n$`,
      ),
    });
  });

  test("exits with 4 if the token is wrong", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, created, ["--token", "right"]);
    const env = { ONA_BASE_URL: server.url, ONA_API_KEY: "wrong" };
    const end = await runRunnerctl(waiting(runnerId, "deleted"), env);
    expect(end).toMatchObject({ code: 4, stdout: "" });
  });

  test("exits with 2 for an invalid condition, without a call", async ({ expect }) => {
    expect(await runRunnerctl(waiting(activeId, "health=helthy"))).toEqual({
      code: 2,
      stdout: "",
      stderr: 'runnerctl: unknown health "helthy"; did you mean healthy?\n',
    });
  });
});

describe.concurrent("wait on a terminal", () => {
  test("shows the progress while the runner changes and the server stops and restarts", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, created);
    const wait = startRunnerctlOnTerminal(waiting(runnerId, "health=healthy", "--timeout", "1m"), {
      ONA_BASE_URL: server.url,
    });
    const line = (text: string) =>
      wait.waitForStdout(new RegExp(`\\r␛\\[K␛\\[\\?7lwaiting for health=healthy, ${text}`));
    await line("\\d+ s left, no response yet");
    await line(
      "\\d+ s left, health is unavailable: The runner was created but has not signed up yet\\.",
    );
    await server.stop();
    await line(
      "\\d+ s left, health is unavailable: .+, ␛\\[31m\\[unavailable\\] no response from ",
    );
    server.write(active());
    await server.restart();
    const { code, stdout } = await wait.exited;
    expect(code).toBe(0);
    expect(stdout).toMatch(/\r␛\[Khealth=healthy: {2}␛\[32mmet after \d+ m?s␛\[39m\r\n$/);
  });

  test("exits with 0 when the runner is deleted, and prints null instead of a report", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, active());
    const wait = startRunnerctlOnTerminal(waiting(runnerId, "deleted", "-o", "json"), {
      ONA_BASE_URL: server.url,
    });
    await wait.waitForStdout(/phase is active/);
    server.remove();
    const { code, stdout } = await wait.exited;
    expect(code).toBe(0);
    expect(stdout).toMatch(/\r␛\[Knull\r\n$/);
  });

  test("exits with 5 if the server became unreachable, and prints the error", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, created);
    const wait = startRunnerctlOnTerminal(waiting(runnerId, "phase=active", "--timeout", "5s"), {
      ONA_BASE_URL: server.url,
    });
    await wait.waitForStdout(/phase is created/);
    await server.stop();
    const { code, stdout } = await wait.exited;
    expect(code).toBe(5);
    expect(stdout).toMatch(
      /phase=active not met after 5 s: phase is created; the last call failed: \[unavailable\] .+\r\n$/,
    );
  });

  test("exits with 130 on Ctrl-C", async ({ expect }) => {
    const wait = startRunnerctlOnTerminal(waiting(activeId, "deleted"), env);
    await wait.waitForStdout(/phase is active/);
    wait.process.stdin.write("\x03");
    const { code, stdout } = await wait.exited;
    expect(code).toBe(130);
    expect(stdout).toMatch(/\r␛\[K$/);
  });
});
