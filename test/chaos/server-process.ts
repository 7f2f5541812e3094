import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { processorWaitMs } from "./scheduler.ts";

const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
const collectGarbage = new URL("collect-garbage.ts", import.meta.url).pathname;

/** The user that the server runs as if this process is root, who may read everything. */
const nobody = 65534;

/** A running `runnerctl serve`, from the sources. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  /** Whether the permissions of files apply to the server. */
  readonly obeysPermissions: boolean;
  /** Resolves when the process has exited. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly hasExited: boolean;
  /**
   * Returns how long the server could run, in milliseconds: it stands still while the server is
   * stopped, and while the server or its callers wait for a processor on a busy machine.
   */
  runningTime(): number;
  kill(signal: NodeJS.Signals): void;
  /** Stops the process for a while, as if the machine was suspended. */
  stopFor(milliseconds: number): Promise<void>;
  /** Collects all garbage and returns what the process uses then. */
  measure(): Promise<{ heapBytes: number; rssBytes: number; descriptors: number }>;
}

/** Options of {@link startServer}. */
export interface ServerProcessOptions {
  readonly data: readonly string[];
  /** The file for standard error. */
  readonly log: string;
  readonly env: NodeJS.ProcessEnv;
  /** The value of `--shutdown-timeout`. */
  readonly shutdownTimeout: string;
}

/** Starts the server on a free port and waits until it is ready. */
export async function startServer(options: ServerProcessOptions): Promise<ServerProcess> {
  const { PATH, HOME } = process.env;
  const isRoot = process.getuid?.() === 0;
  const dropsPrivileges = isRoot && canReadAsNobody();
  const log = openSync(options.log, "a");
  const child = spawn(
    process.execPath,
    [
      ...["--expose-gc", "--import", collectGarbage, main, "serve", "--port", "0"],
      ...["--shutdown-timeout", options.shutdownTimeout],
      ...options.data.flatMap((path) => ["--data", path]),
    ],
    {
      env: { PATH, HOME, ...options.env },
      stdio: ["ignore", "pipe", log],
      ...(dropsPrivileges && { uid: nobody, gid: nobody }),
    },
  );
  closeSync(log);
  const exited = once(child, "exit").then(([code, signal]) => ({ code, signal }));
  const banner = await waitForStdout(child, / on (http:\/\/127\.0\.0\.1:\d+)/).catch((error) => {
    child.kill("SIGKILL");
    throw new Error(`${error.message}\n${readFileSync(options.log, "utf8")}`);
  });
  const url = banner[1] as string;
  let stoppedMs = 0;
  let stoppedAt: number | undefined;
  const stoppedNow = () => (stoppedAt === undefined ? 0 : performance.now() - stoppedAt);
  const processorWait = createProcessorWait([child.pid as number, process.pid]);
  let runningTime = 0;
  return {
    url,
    port: Number(new URL(url).port),
    obeysPermissions: !isRoot || dropsPrivileges,
    exited,
    get hasExited() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    runningTime() {
      const lostMs = stoppedMs + stoppedNow() + processorWait();
      // The wait is only known afterwards, so keep the time from going back.
      runningTime = Math.max(runningTime, performance.now() - lostMs);
      return runningTime;
    },
    kill: (signal) => child.kill(signal),
    async stopFor(milliseconds) {
      child.kill("SIGSTOP");
      stoppedAt = performance.now();
      await delay(milliseconds);
      stoppedMs += stoppedNow();
      stoppedAt = undefined;
      child.kill("SIGCONT");
    },
    async measure() {
      const collected = waitForStdout(child, /collected, (\d+) bytes/);
      child.kill("SIGUSR2");
      const [, heap] = await collected;
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      const kilobytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
      const descriptors = readdirSync(`/proc/${child.pid}/fd`).length;
      return { heapBytes: Number(heap), rssBytes: kilobytes * 1024, descriptors };
    },
  };
}

/** Resolves with the first match in what the process prints from now on. */
async function waitForStdout(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  const found = Promise.withResolvers<RegExpExecArray>();
  let text = "";
  const read = (chunk: string) => {
    text += chunk;
    const match = pattern.exec(text);
    if (match !== null) {
      found.resolve(match);
    }
  };
  child.stdout?.setEncoding("utf8").on("data", read);
  const fail = (reason: string) => () => found.reject(new Error(`${reason} before ${pattern}`));
  const failOnExit = fail("the server exited");
  child.once("exit", failOnExit);
  const timer = setTimeout(fail("30 s passed"), 30_000);
  try {
    return await found.promise;
  } finally {
    clearTimeout(timer);
    child.off("exit", failOnExit);
    child.stdout?.off("data", read).resume();
  }
}

/**
 * Creates a function that returns how long processes have been waiting for a processor since it was
 * created, in milliseconds: at most nine tenths of the time, so that every limit is reached.
 */
function createProcessorWait(pids: readonly number[]): () => number {
  const read = () => pids.reduce((sum, pid) => sum + processorWaitMs(pid), 0);
  let readAt = performance.now();
  let last = read();
  let waitedMs = 0;
  return () => {
    const elapsedMs = performance.now() - readAt;
    if (elapsedMs > 20) {
      const total = read();
      waitedMs += Math.max(0, Math.min(total - last, 0.9 * elapsedMs));
      last = total;
      readAt += elapsedMs;
    }
    return waitedMs;
  };
}

function canReadAsNobody(): boolean {
  const script = `import(${JSON.stringify(join(main, "../program.ts"))})`;
  const options = { uid: nobody, gid: nobody };
  return spawnSync(process.execPath, ["--eval", script], options).status === 0;
}
