import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, onTestFinished, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import {
  type RunnerctlProcess,
  runRunnerctl,
  startRunnerctl,
  startRunnerctlOnTerminal,
} from "../../support/runnerctl.ts";
import { samples } from "../../support/sample-runner.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const managed = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const created = "c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702";
const late = "5a6c2f98-b1e7-4093-8d4f-2e7b0c9d1a36";
const unknown = "00000000-0000-4000-8000-000000000000";

let server: RunnerctlProcess;
let env: { ONA_BASE_URL: string };

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
  const [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
  env = { ONA_BASE_URL: url };
});

afterAll(async () => {
  server.process.kill();
  await server.exited;
});

/** Replaces what changes from call to call: the age and, for active runners, the heartbeat. */
const mask = (text: string) =>
  text
    .replace(/(\d+ (ms|s|min|h|d) ago|just now)( \(2\d{3}-[-:.\dTZ]+\))?/g, "… ago")
    .replace(/"updatedAt": ?"[^"]+"/g, '"updatedAt":…')
    .replace(/"heartbeat":\{[^}]+\}/g, '"heartbeat":…');

const linesOf = (text: string) => text.trimEnd().split("\n");

describe.concurrent("several runners", () => {
  const commands: [command: string, ...options: string[]][] = [
    ["get"],
    ["status"],
    ["config"],
    ["verify", "--capability", "warm-pool"],
  ];

  test.for(commands)("%s prints them as text, in the order given", async (command, { expect }) => {
    const [name, ...options] = command;
    const run = async (...ids: string[]) => runRunnerctl([name, ...options, ...ids], env);
    const [first, second, both] = await Promise.all([run(late), run(managed), run(late, managed)]);
    // The capabilities alone do not say whose they are.
    const heading = (runnerName: string, id: string) =>
      name === "verify" ? `Name:       ${runnerName}\nID:         ${id}\n` : "";
    expect(mask(both.stdout)).toBe(
      `${heading("Build farm (Oregon)", late)}${mask(first.stdout)}\n` +
        `${heading("Ona Cloud (US)", managed)}${mask(second.stdout)}`,
    );
    expect(both).toMatchObject({ code: Math.max(first.code ?? 0, second.code ?? 0), stderr: "" });
  });

  test.for(commands)("%s prints a JSON document per line", async (command, { expect }) => {
    const [name, ...options] = command;
    const run = async (...ids: string[]) => {
      const { stdout } = await runRunnerctl([name, ...options, ...ids, "-o", "json"], env);
      return stdout;
    };
    const [first, second, both] = await Promise.all([run(late), run(managed), run(late, managed)]);
    expect(linesOf(both).map(mask)).toEqual(
      [first, second].map((json) => mask(JSON.stringify(JSON.parse(json)))),
    );
  });

  test.for(commands)("%s prints a YAML document each", async (command, { expect }) => {
    const [name, ...options] = command;
    const { stdout } = await runRunnerctl([name, ...options, late, managed, "-o", "yaml"], env);
    const documents = parseAllDocuments(stdout).map((document) => document.toJS());
    expect(documents.map((json) => (json.runner ?? json).runnerId)).toEqual([late, managed]);
  });

  test.for(commands)("%s -o name prints an ID per line", async (command, { expect }) => {
    const [name, ...options] = command;
    const args = [name, ...options, managed, created, "-o", "name"];
    const { stdout, stderr } = await runRunnerctl(args, env);
    // Only those that have the capability.
    const names = name === "verify" ? [managed] : [managed, created];
    expect({ stdout, stderr }).toEqual({ stdout: `${names.join("\n")}\n`, stderr: "" });
  });

  test("the JSON lines are a fixture file", async (context) => {
    const { expect } = context;
    const { stdout } = await runRunnerctl(["get", late, created, "-o", "json"], env);
    const folder = makeTempFolder(context);
    folder.write("recorded.ndjson", stdout);
    const replay = startRunnerctl(["serve", "--data", folder.path, "--port", "0"]);
    const [, url = ""] = await replay.waitForStdout(/Serving 2 runners on (\S+)\n/);
    const again = await runRunnerctl(["get", late, created, "-o", "json", "--base-url", url]);
    replay.process.kill();
    expect(again.stdout).toBe(stdout);
  });

  test("an ID that is given twice counts once, in any letter case", async ({ expect }) => {
    const ids = [managed, managed.toUpperCase(), created, managed];
    const { stdout } = await runRunnerctl(["get", ...ids, "-o", "name"], env);
    expect(stdout).toBe(`${managed}\n${created}\n`);
  });

  test("one that fails does not hide the others, and is named", async ({ expect }) => {
    const args = ["status", managed, unknown, created, "-o", "name"];
    const { code, stdout, stderr } = await runRunnerctl(args, env);
    expect({ code, stdout }).toEqual({ code: 3, stdout: `${managed}\n${created}\n` });
    expect(stderr).toMatch(
      new RegExp(`^runnerctl: ${unknown}: \\[not_found\\] no runner with id ${unknown}.*\\n$`),
    );
  });

  test("the exit code is the greatest", async ({ expect }) => {
    const args = ["verify", created, unknown, "--capability", "warm-pool"];
    const { code, stdout, stderr } = await runRunnerctl(args, env);
    expect(code).toBe(5);
    expect(stdout).toContain("warm-pool:  missing\n");
    expect(stderr).toContain(unknown);
  });

  test("one that is not a UUID is a usage error before any call", async ({ expect }) => {
    const { code, stdout, stderr } = await runRunnerctl(["get", managed, "nope"], env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("'nope' is invalid for argument 'id'. It must be a UUID");
  });
});

/** Starts a server that answers a call for a runner with what `respond` does. */
async function startScriptedServer(
  respond: (runnerId: string, response: ServerResponse) => void,
): Promise<string> {
  const scripted = createServer(async (request, response) => {
    const { runnerId } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    response.setHeader("Content-Type", "application/json");
    respond(runnerId, response);
  });
  await once(scripted.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    scripted.closeAllConnections();
    scripted.close();
  });
  return `http://127.0.0.1:${(scripted.address() as AddressInfo).port}`;
}

const makeIds = (count: number) =>
  Array.from({ length: count }, (_, n) => unknown.replace(/.{3}$/, String(n + 100)));

describe("the calls for several runners", () => {
  test("are concurrent, at most 8 at a time, and printed in the order given", async ({
    expect,
  }) => {
    let running = 0;
    let maxRunning = 0;
    const ids = makeIds(20);
    const url = await startScriptedServer((runnerId, response) => {
      running++;
      maxRunning = Math.max(maxRunning, running);
      setTimeout(
        () => {
          running--;
          response.end(JSON.stringify({ runner: { runnerId } }));
        },
        // The first one is the last to be answered.
        runnerId === ids[0] ? 1500 : 100,
      );
    });
    const { code, stdout } = await runRunnerctl(["get", ...ids, "-o", "name", "--base-url", url]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${ids.join("\n")}\n` });
    expect(maxRunning).toBe(8);
  });

  test("each have their own deadline, without the time until they start", async ({ expect }) => {
    const url = await startScriptedServer((runnerId, response) => {
      setTimeout(() => response.end(JSON.stringify({ runner: { runnerId } })), 700);
    });
    const args = ["get", ...makeIds(24), "-o", "name", "--base-url", url, "--timeout", "2s"];
    expect(await runRunnerctl(args)).toMatchObject({ code: 0, stderr: "" });
  });

  test("wait together no longer than --timeout, even if the server hangs", async ({ expect }) => {
    const url = await startScriptedServer(() => {});
    const args = ["wait", ...makeIds(24), "--for", "deleted", "--base-url", url];
    const startedAt = Date.now();
    const { code, stdout } = await runRunnerctl([...args, "--timeout", "1500ms"]);
    expect({ code, stdout }).toEqual({ code: 6, stdout: "" });
    expect(Date.now() - startedAt).toBeLessThan(5_000);
  });
});

describe.concurrent("wait for several runners", () => {
  const waiting = (...args: string[]) => ["wait", "--interval", "50ms", ...args];

  test("prints all conditions of all runners, with their IDs", async ({ expect }) => {
    const conditions = ["--for", "phase=active", "--for", "phase!=degraded"];
    const { code, stdout, stderr } = await runRunnerctl(waiting(...conditions, late, managed), env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.replace(/\d+ m?s$/gm, "…")).toBe(
      `${late} phase=active:     met after …\n${late} phase!=degraded:  met after …\n` +
        `${managed} phase=active:     met after …\n${managed} phase!=degraded:  met after …\n`,
    );
  });

  test("exits with 5 if one does not meet them, and prints which", async ({ expect }) => {
    const args = waiting("--for", "phase=active", created, managed, "--timeout", "1s");
    const { code, stdout, stderr } = await runRunnerctl(args, env);
    expect(code).toBe(5);
    expect(stdout).toMatch(new RegExp(`^${managed} phase=active: {2}met after \\d+ m?s\n$`));
    expect(stderr).toBe(
      `runnerctl: ${created}: phase=active not met after 1 s: phase is created\n`,
    );
  });

  test("prints a status report per line as JSON, and the IDs with -o name", async ({ expect }) => {
    const args = waiting("--for", "phase=active", managed, late);
    const json = await runRunnerctl([...args, "-o", "json"], env);
    expect(linesOf(json.stdout).map((line) => JSON.parse(line))).toMatchObject([
      { runnerId: managed, phase: "RUNNER_PHASE_ACTIVE" },
      { runnerId: late, phase: "RUNNER_PHASE_ACTIVE" },
    ]);
    const names = await runRunnerctl([...args, created, "--timeout", "0", "-o", "name"], env);
    expect(names).toMatchObject({ code: 5, stdout: `${managed}\n${late}\n` });
  });

  test("shows its progress in one line on a terminal, and exits with 130 on Ctrl-C", async ({
    expect,
  }) => {
    const args = waiting("--for", "phase=active", managed, created);
    const wait = startRunnerctlOnTerminal(args, env);
    await wait.waitForStdout(
      /\r␛\[K␛\[\?7lwaiting for phase=active, \d+ min left, 1 of 2 runners done/,
    );
    wait.process.stdin.write("\x03");
    expect(await wait.exited).toMatchObject({ code: 130 });
  });
});

describe.concurrent("watch of several runners", () => {
  test("prints the ID in each line, and an error of one does not end the others", async ({
    expect,
  }) => {
    const watch = startRunnerctl(["watch", managed, unknown, created, "--interval", "50ms"], env);
    await watch.waitForStdout(new RegExp(`Z {2}${managed} {2}phase {9}active\n`));
    await watch.waitForStdout(new RegExp(`Z {2}${created} {2}runner {8}Mobile \\(Ireland\\)\n`));
    await watch.waitForStderr(new RegExp(`^runnerctl: ${unknown}: \\[not_found\\] .+\n$`));
    watch.process.kill("SIGINT");
    const { code, stdout } = await watch.exited;
    expect(code).toBe(130);
    expect(linesOf(stdout).every((line) => /Z {2}(3b8d6a52|c4a19e60)-/.test(line))).toBe(true);
  });

  test("exits with 3 if all are unknown", async ({ expect }) => {
    const ids = makeIds(2);
    const { code, stdout, stderr } = await runRunnerctl(["watch", ...ids], env);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(linesOf(stderr)).toEqual(ids.map((id) => expect.stringContaining(`${id}: [not_found]`)));
  });

  test("JSON events have the ID, even before the runner was seen", async ({ expect }) => {
    const ids = [managed, created];
    const args = ["watch", ...ids, "--interval", "50ms", "-o", "json"];
    const watch = startRunnerctl([...args, "--timeout", "100ms"], {
      ONA_BASE_URL: "http://127.0.0.1:1",
    });
    await watch.waitForStdout(/\n.+\n/);
    watch.process.kill("SIGINT");
    const events = linesOf((await watch.exited).stdout).map((line) => JSON.parse(line));
    expect(new Set(events.map(({ runnerId }) => runnerId))).toEqual(new Set(ids));
    expect(events[0]).toMatchObject({ type: "error", status: null });
  });

  test("has a status line with the health of all on a terminal", async ({ expect }) => {
    const watch = startRunnerctlOnTerminal(
      ["watch", managed, created, late, "--interval", "50ms"],
      env,
    );
    await watch.waitForStdout(
      /␛\[\?7l3 runners, ␛\[32m1 healthy␛\[39m, ␛\[33m1 degraded␛\[39m, ␛\[31m1 unavailable/,
    );
    watch.process.stdin.write("\x03");
    expect(await watch.exited).toMatchObject({ code: 130 });
  });
});
