import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

const root = new URL("../..", import.meta.url).pathname;
const main = `${root}src/cli/main.ts`;

/** A runnerctl process that runs. */
export interface RunningRunnerctl {
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves with the first match in what it printed on standard output so far or prints later. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same, of standard error. */
  complained(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Starts runnerctl from its sources, in an environment without the user's own settings. */
export function startRunnerctl(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningRunnerctl {
  return start(process.execPath, [main, ...args], env);
}

/**
 * Starts runnerctl on a terminal: it prints all on standard output, with "␛" for
 * each escape, and takes keys from its standard input. No argument may need quotes.
 */
export function startRunnerctlOnTerminal(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningRunnerctl {
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
  show = (text: string) => text,
): RunningRunnerctl {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, { cwd: root, env: { PATH, HOME, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += show(text)));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const ended = once(child, "close").then(([code]) => ({ code, stdout, stderr }));
  const matchIn = (stream: Readable, text: () => string, pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(text());
        if (match !== null) {
          stream.off("data", look);
          resolve(match);
        }
      };
      stream.on("data", look);
      look();
      ended.then((end) => reject(new Error(`ended before ${pattern}: ${JSON.stringify(end)}`)));
    });
  return {
    process: child,
    ended,
    printed: (pattern) => matchIn(child.stdout, () => stdout, pattern),
    complained: (pattern) => matchIn(child.stderr, () => stderr, pattern),
  };
}

/** Runs runnerctl to its end. */
export function runRunnerctl(args: readonly string[], env?: NodeJS.ProcessEnv) {
  const { process: child, ended } = startRunnerctl(args, env);
  child.stdin.end();
  return ended;
}
