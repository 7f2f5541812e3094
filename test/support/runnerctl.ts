import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

const root = new URL("../..", import.meta.url).pathname;
const main = `${root}src/cli/main.ts`;

/** A running runnerctl process. */
export interface RunnerctlProcess {
  readonly process: ChildProcessWithoutNullStreams;
  /**
   * Resolves with the first match in standard output, printed so far or later. Rejects if the
   * process exits first.
   */
  waitForStdout(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for standard error. */
  waitForStderr(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when the process has exited. */
  readonly exited: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Starts runnerctl from its sources, without the environment variables of the user. */
export function startRunnerctl(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunnerctlProcess {
  return start(process.execPath, [main, ...args], env);
}

/**
 * Starts runnerctl on a terminal. Both output streams go to standard output, with
 * "␛" in place of ESC, and standard input takes keys. Arguments must not need
 * quoting.
 */
export function startRunnerctlOnTerminal(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunnerctlProcess {
  const command = [process.execPath, main, ...args].join(" ");
  return start(
    "script",
    ["-qefc", command, "/dev/null"],
    { TERM: "xterm-256color", ...env },
    (text) => text.replaceAll("\x1b", "␛"),
  );
}

function start(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  transform = (text: string) => text,
): RunnerctlProcess {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, { cwd: root, env: { PATH, HOME, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += transform(text)));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const exited = once(child, "close").then(([code]) => ({ code, stdout, stderr }));
  const matchIn = (stream: Readable, text: () => string, pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const check = () => {
        const match = pattern.exec(text());
        if (match !== null) {
          stream.off("data", check);
          resolve(match);
        }
      };
      stream.on("data", check);
      check();
      exited.then((exit) => reject(new Error(`exited before ${pattern}: ${JSON.stringify(exit)}`)));
    });
  return {
    process: child,
    exited,
    waitForStdout: (pattern) => matchIn(child.stdout, () => stdout, pattern),
    waitForStderr: (pattern) => matchIn(child.stderr, () => stderr, pattern),
  };
}

/** Runs runnerctl until it exits. */
export function runRunnerctl(args: readonly string[], env?: NodeJS.ProcessEnv) {
  const { process: child, exited } = startRunnerctl(args, env);
  child.stdin.end();
  return exited;
}
