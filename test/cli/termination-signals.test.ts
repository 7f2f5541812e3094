import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { constants } from "node:os";
import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { samples } from "../support/sample-runner.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { startRunnerctlOn } from "../support/terminal.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const root = new URL("../..", import.meta.url).pathname;
const id = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const signals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;
const calls = [
  `get ${id}`,
  `status ${id} -o json`,
  `config ${id}`,
  `verify ${id} --capability warm-pool`,
  `wait ${id} --for health=healthy`,
  `watch ${id}`,
  `watch ${id} 00000000-0000-4000-8000-000000000000`,
  "version --server",
];

/** A server that accepts connections and never answers. */
let silent: Server;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { PATH, HOME } = process.env;
  const { port } = silent.address() as AddressInfo;
  env = { PATH, HOME, ONA_BASE_URL: `http://127.0.0.1:${port}` };
});

afterAll(() => void silent.close());

/** How a process is started: as a child, or as PID 1 of a container. */
const asChild: readonly string[] = [];
const asPid1 = ["unshare", "--pid", "--fork", "--mount-proc"];

/**
 * Runs runnerctl until its standard error or output matches `ready`, or until it calls the server,
 * sends a signal, and returns how it ends.
 */
async function signalWhenReady(
  prefix: readonly string[],
  args: readonly string[],
  signal: NodeJS.Signals,
  ready?: RegExp,
): Promise<{ code: unknown; stderr: string }> {
  const [command = "", ...rest] = [
    ...prefix,
    ...[process.execPath, `${root}src/cli/main.ts`, ...args],
  ];
  const child = spawn(command, rest, {
    env: { ...env, ...(ready === undefined && { HTTP_PROXY: "" }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    output += text;
  });
  const exited = once(child, "close");
  const readPid = () =>
    prefix.length === 0
      ? child.pid
      : Number.parseInt(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8"), 10);
  // With -v, a command prints its request before it waits for the response.
  await vi.waitUntil(() => (ready ?? /^> POST/m).test(output) || child.exitCode !== null, {
    timeout: 40_000,
  });
  process.kill(readPid() as number, signal);
  const [code, killedBy] = await exited;
  return { code: code ?? killedBy, stderr };
}

const verbose = (line: string) => [...line.split(" "), "-v"];
const exitCode = (signal: NodeJS.Signals) => 128 + constants.signals[signal];

describe.concurrent("a signal", () => {
  test.for(calls.flatMap((line) => signals.map((signal) => [line, signal] as const)))(
    "%s ends on %s",
    async ([line, signal], { expect }) => {
      const { code, stderr } = await signalWhenReady(asChild, verbose(line), signal);
      expect(code).toBe(exitCode(signal));
      // Nothing but the request.
      expect(stderr.split("\n").filter((text) => !/^[><]|^$/.test(text))).toEqual([]);
    },
  );

  test.for(signals)("serve shuts down on %s and exits with 0", async (signal, { expect }) => {
    const args = ["serve", "--data", samples, "--port", "0"];
    expect(await signalWhenReady(asChild, args, signal, /Try:/)).toEqual({ code: 0, stderr: "" });
  });

  test.for(signals)("serve exits with 0 on %s while it loads", async (signal, context) => {
    const { expect } = context;
    const args = ["serve", "--data", makeManyRunners(context), "--port", "0"];
    const { code } = await signalWhenReady(asChild, args, signal, /loading/);
    expect(code).toBe(0);
  });
});

/** Returns a folder with so many runners that loading them takes seconds. */
function makeManyRunners(context: Parameters<typeof makeTempFolder>[0]): string {
  const folder = makeTempFolder(context);
  const lines = Array.from({ length: 20_000 }, (_, n) => {
    const runnerId = `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
    return JSON.stringify({ runner: { runnerId, name: `Runner ${n}` } });
  });
  for (let file = 0; file < 15; file++) {
    const prefix = String(file).padStart(8, "0");
    folder.write(`${file}.ndjson`, lines.join("\n").replaceAll('"00000000-', `"${prefix}-`));
  }
  return folder.path;
}

const canUnshare = spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0;
if (!canUnshare) {
  console.warn("PID namespaces are not permitted here: commands are not tested as PID 1");
}

describe.skipIf(!canUnshare)("a signal to PID 1", { concurrent: true }, () => {
  test.for(
    calls.flatMap((line) => (["SIGINT", "SIGTERM"] as const).map((s) => [line, s] as const)),
  )("%s ends on %s", async ([line, signal], { expect }) => {
    const { code } = await signalWhenReady(asPid1, verbose(line), signal);
    expect(code).toBe(exitCode(signal));
  });

  test.for(signals)("serve shuts down on %s and exits with 0", async (signal, { expect }) => {
    const args = ["serve", "--data", samples, "--port", "0"];
    const { code } = await signalWhenReady(asPid1, args, signal, /Try:/);
    expect(code).toBe(0);
  });

  test("serve exits with 0 on SIGTERM while it loads", async (context) => {
    const { expect } = context;
    const args = ["serve", "--data", makeManyRunners(context), "--port", "0"];
    const { code } = await signalWhenReady(asPid1, args, "SIGTERM", /loading/);
    expect(code).toBe(0);
  });
});

describe.concurrent("a key on a terminal", () => {
  test.for([
    ["Ctrl-C", "\x03", "wait", 130],
    ["Ctrl-C", "\x03", "watch", 130],
    ["Ctrl-\\", "\x1c", "wait", 131],
    ["Ctrl-\\", "\x1c", "watch", 131],
  ] as const)("%s leaves it tidy", async ([, key, command, code], { expect }) => {
    const condition = command === "wait" ? ["--for", "deleted"] : [];
    const args = [command, id, ...condition];
    await using terminal = startRunnerctlOn(args, { columns: 200, env });
    await terminal.waitForLines(/no response yet/);
    terminal.type(key);
    const exit = await terminal.exited;
    expect(exit.code).toBe(code);
    // All that is left is the echo of the key at most, which the terminal itself prints.
    expect(exit.lines.filter((line) => !/^(\^[C\\])?$/.test(line))).toEqual([]);
    expect(exit.output.endsWith("\r\x1b[K")).toBe(true);
  });
});
