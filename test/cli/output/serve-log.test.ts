import { type ChildProcess, execFileSync, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { samples } from "../../support/sample-runner.ts";
import { getRunnerPath } from "../../support/server.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const root = new URL("../../..", import.meta.url).pathname;
const unreadTerminal = `${root}test/support/unread-terminal.py`;
const serveCommand = [
  process.execPath,
  `${root}src/cli/main.ts`,
  ...["serve", "--data", samples, "--port", "0"],
];

/** A `runnerctl serve` process, or a process with the same output that is its parent. */
interface Serve {
  readonly process: ChildProcess;
  readonly url: string;
}

/** Starts a command that serves, and waits until it does. It is killed at the end of the test. */
async function start([command = "", ...args]: string[], stdio: StdioOptions): Promise<Serve> {
  const child = spawn(command, args, { stdio, cwd: root });
  onTestFinished(() => void child.kill("SIGKILL"));
  let banner = "";
  for await (const chunk of child.stdout
    ?.setEncoding("utf8")
    .iterator({ destroyOnReturn: false }) ?? []) {
    banner += chunk;
    if (banner.includes("Try:")) {
      break;
    }
  }
  child.stdout?.resume();
  const [, url = ""] = /on (http:\S+)\n/.exec(banner) ?? [];
  return { process: child, url };
}

const requestId = "r".repeat(128);
const body = JSON.stringify({ runnerId: "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97" });
const request =
  `POST ${getRunnerPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
  `X-Request-Id: ${requestId}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Makes many calls, each with a log line, and resolves when all of them have been answered. */
async function call({ url }: Serve, count: number): Promise<void> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let answered = 0;
  socket.setEncoding("latin1");
  socket.on("data", (text) => (answered += String(text).split("HTTP/1.1 200").length - 1));
  for (let sent = 0; sent < count; sent += 1000) {
    socket.write(request.repeat(1000));
    // A status line that is split between two chunks is not counted.
    await vi.waitFor(() => expect(answered).toBeGreaterThan(sent + 900), {
      timeout: 20_000,
      interval: 5,
    });
  }
  socket.destroy();
}

async function readMetric({ url }: Serve, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

const droppedLines = (serve: Serve) => readMetric(serve, "runner_server_log_lines_dropped_total");
const residentMb = async (serve: Serve) =>
  (await readMetric(serve, "process_resident_memory_bytes")) / 1e6;

/** Calls until lines are dropped, and then as often again, while memory stays where it is. */
async function callUntilDropping(serve: Serve): Promise<void> {
  do {
    await call(serve, 5000);
  } while ((await droppedLines(serve)) === 0);
  const before = await residentMb(serve);
  await call(serve, 15_000);
  expect(await residentMb(serve)).toBeLessThan(before + 50);
  expect(await droppedLines(serve)).toBeGreaterThan(10_000);
}

async function expectExit(child: ChildProcess): Promise<void> {
  const startedAt = performance.now();
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(performance.now() - startedAt).toBeLessThan(5000);
}

function openUnreadPipe(): { path: string; writer: number } {
  const path = join(makeTempFolder().path, "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  onTestFinished(() => {
    closeSync(reader);
    closeSync(writer);
  });
  return { path, writer };
}

describe("serve, whose log", () => {
  test("has no space on its disk, responds, counts the lines and ends on SIGTERM", async () => {
    const full = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(full));
    const serve = await start(serveCommand, ["ignore", "pipe", full]);
    await call(serve, 5000);
    await vi.waitFor(async () => expect(await droppedLines(serve)).toBe(5000), 5000);
    serve.process.kill("SIGTERM");
    await expectExit(serve.process);
  });

  test("lost its reader, responds, counts the lines and ends on SIGTERM", async () => {
    const serve = await start(serveCommand, ["ignore", "pipe", "pipe"]);
    serve.process.stderr?.destroy();
    await call(serve, 5000);
    await vi.waitFor(async () => expect(await droppedLines(serve)).toBe(5000), 5000);
    serve.process.kill("SIGTERM");
    await expectExit(serve.process);
  });

  test("is a pipe that nobody reads, responds, counts the lines and ends on SIGTERM", async () => {
    const { writer } = openUnreadPipe();
    const serve = await start(serveCommand, ["ignore", "pipe", writer]);
    await callUntilDropping(serve);
    serve.process.kill("SIGTERM");
    await expectExit(serve.process);
  });

  test("is a pipe that is read again, says how many lines were dropped", async () => {
    const { path, writer } = openUnreadPipe();
    const serve = await start(serveCommand, ["ignore", "pipe", writer]);
    do {
      await call(serve, 5000);
    } while ((await droppedLines(serve)) === 0);
    const dropped = await droppedLines(serve);
    const calls = await readMetric(serve, 'runner_server_calls_total{[^}]*code="ok"}');
    let log = "";
    const cat = spawn("cat", [path]);
    onTestFinished(() => void cat.kill());
    cat.stdout.setEncoding("utf8").on("data", (text) => (log += text));
    await vi.waitUntil(() => log.endsWith('dropped"}\n'), 30_000);
    const lines = log
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({
      level: 40,
      dropped,
      msg: `${dropped} log lines dropped`,
    });
    // Every other line is there, and whole.
    expect(lines.length - 1 + dropped).toBe(calls);
    serve.process.kill("SIGTERM");
    await expectExit(serve.process);
  });

  test("is a terminal that nobody reads, responds, counts the lines and ends on SIGTERM", async () => {
    const command = ["python3", unreadTerminal, ...serveCommand];
    const serve = await start(command, ["pipe", "pipe", "pipe"]);
    const pid = Number(await once(serve.process.stderr as NodeJS.ReadableStream, "data"));
    onTestFinished(() => {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    });
    await callUntilDropping(serve);
    process.kill(pid, "SIGTERM");
    await expectExit(serve.process);
  });

  test("is a terminal that is read again, says how many lines were dropped", async () => {
    const command = ["python3", unreadTerminal, ...serveCommand];
    const serve = await start(command, ["pipe", "pipe", "pipe"]);
    let log = "";
    const { stdin, stderr } = serve.process;
    stderr?.setEncoding("utf8").on("data", (text) => (log += text));
    await vi.waitFor(() => expect(log).toContain("\n"));
    const pid = Number.parseInt(log, 10);
    do {
      await call(serve, 5000);
    } while ((await droppedLines(serve)) === 0);
    const dropped = await droppedLines(serve);
    stdin?.end();
    await vi.waitUntil(() => log.includes(`${dropped} log lines dropped`), 30_000);
    process.kill(pid, "SIGTERM");
    await expectExit(serve.process);
  });
});

describe("serve, whose standard output is closed,", () => {
  test("serves, and logs where", async () => {
    const child = spawn(serveCommand[0] as string, serveCommand.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: root,
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    child.stdout.destroy();
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
    await vi.waitFor(() => expect(log).toContain("\n"), 20_000);
    const { url, msg } = JSON.parse(log);
    expect(msg).toBe("standard output is closed; the banner is lost");
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(200);
    child.kill("SIGTERM");
    await expectExit(child);
  });
});
