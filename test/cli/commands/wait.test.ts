import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { runnerId, serveRunnerFile } from "../../support/runner-file.ts";
import {
  type RunningRunnerctl,
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

let runners: RunningRunnerctl;
let env: { ONA_BASE_URL: string };

beforeAll(async () => {
  runners = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
  const [, url = ""] = await runners.printed(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
  env = { ONA_BASE_URL: url };
});

afterAll(async () => {
  runners.process.kill();
  await runners.ended;
});

describe.concurrent("wait in a pipe", () => {
  test.for([
    ["health=healthy", "health=healthy"],
    ["PHASE=RUNNER_PHASE_ACTIVE", "phase=active"],
    ["capability=warmPool", "capability=warm-pool"],
  ] as const)("ends with 0 when %s holds, with one line", async ([written, text], { expect }) => {
    const { code, stdout, stderr } = await runRunnerctl(waiting(activeId, written), env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^\S+: {2}holds, after \d+ m?s\n$/);
    expect(stdout).toContain(`${text}:  `);
  });

  test("prints the last status report for programs", async ({ expect }) => {
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

  test("ends with 0 when the runner that is to be deleted is not there", async ({ expect }) => {
    expect(await runRunnerctl(waiting(unknownId, "deleted"), env)).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^deleted: {2}holds, after .+\n$/),
      stderr: "",
    });
  });

  test("ends with 5 when the time is over, and says why", async ({ expect }) => {
    const args = waiting(createdId, "health=healthy", "--timeout", "2s");
    expect(await runRunnerctl(args, env)).toEqual({
      code: 5,
      stdout: "",
      stderr:
        "runnerctl: health=healthy does not hold after 2 s: it is unavailable: The runner was created but has not signed up yet.\n",
    });
  });

  test("has the report all the same when the time is over", async ({ expect }) => {
    const args = waiting(createdId, "phase=active", "--timeout", "2s", "-o", "json");
    const { code, stdout, stderr } = await runRunnerctl(args, env);
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: "runnerctl: phase=active does not hold after 2 s: it is in phase created\n",
    });
    expect(JSON.parse(stdout)).toMatchObject({ health: { state: "unavailable" } });
  });

  test("ends with 6 when the server was never there", async ({ expect }) => {
    const args = waiting(activeId, "health=healthy", "--timeout", "300ms");
    const nobody = { ONA_BASE_URL: "http://127.0.0.1:1" };
    const { code, stdout, stderr } = await runRunnerctl(args, nobody);
    expect({ code, stdout }).toEqual({ code: 6, stdout: "" });
    // The last call may have been cut off by the time limit.
    expect(stderr).toMatch(/^runnerctl: \[(unavailable|deadline_exceeded)\] .+\n$/);
  });

  test("ends with 3 when there is no such runner", async ({ expect }) => {
    expect(await runRunnerctl(waiting(unknownId, "phase=deleted"), env)).toEqual({
      code: 3,
      stdout: "",
      stderr: `runnerctl: [not_found] no runner with id ${unknownId}\n`,
    });
  });

  test("ends with 4 when the token is not right", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, created, ["--token", "right"]);
    const env = { ONA_BASE_URL: server.url, ONA_API_KEY: "wrong" };
    const end = await runRunnerctl(waiting(runnerId, "deleted"), env);
    expect(end).toMatchObject({ code: 4, stdout: "" });
  });

  test("ends with 2 for a condition that is none, and calls nobody", async ({ expect }) => {
    expect(await runRunnerctl(waiting(activeId, "health=helthy"))).toEqual({
      code: 2,
      stdout: "",
      stderr: 'runnerctl: there is no health "helthy": did you mean healthy?\n',
    });
  });
});

describe.concurrent("wait on a terminal", () => {
  test("shows how it goes, while the runner changes and the server goes and comes", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, created);
    const wait = startRunnerctlOnTerminal(waiting(runnerId, "health=healthy", "--timeout", "1m"), {
      ONA_BASE_URL: server.url,
    });
    const line = (text: string) =>
      wait.printed(new RegExp(`\\r␛\\[K␛\\[\\?7lwaiting for health=healthy, ${text}`));
    await line("\\d+ s left, no answer yet");
    await line(
      "\\d+ s left, it is unavailable: The runner was created but has not signed up yet\\.",
    );
    await server.stop();
    await line("\\d+ s left, it is unavailable: .+, ␛\\[31m\\[unavailable\\] no response from ");
    server.write(active());
    await server.restart();
    const { code, stdout } = await wait.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/\r␛\[Khealth=healthy: {2}␛\[32mholds, after \d+ m?s␛\[39m\r\n$/);
  });

  test("ends with 0 when the runner is deleted meanwhile, and has no report of it", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, active());
    const wait = startRunnerctlOnTerminal(waiting(runnerId, "deleted", "-o", "json"), {
      ONA_BASE_URL: server.url,
    });
    await wait.printed(/it is in phase active/);
    server.remove();
    const { code, stdout } = await wait.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/\r␛\[Knull\r\n$/);
  });

  test("ends with 5 when the server was there but is no more, and says so", async (context) => {
    const { expect } = context;
    await using server = await serveRunnerFile(context, created);
    const wait = startRunnerctlOnTerminal(waiting(runnerId, "phase=active", "--timeout", "5s"), {
      ONA_BASE_URL: server.url,
    });
    await wait.printed(/it is in phase created/);
    await server.stop();
    const { code, stdout } = await wait.ended;
    expect(code).toBe(5);
    expect(stdout).toMatch(
      /phase=active does not hold after 5 s: it is in phase created; the last call failed: \[unavailable\] .+\r\n$/,
    );
  });

  test("ends with 130 when it is interrupted", async ({ expect }) => {
    const wait = startRunnerctlOnTerminal(waiting(activeId, "deleted"), env);
    await wait.printed(/it is in phase active/);
    wait.process.stdin.write("\x03");
    const { code, stdout } = await wait.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/\r␛\[K$/);
  });
});
