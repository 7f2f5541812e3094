import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";

const root = new URL("../..", import.meta.url).pathname;
const main = `${root}src/cli/main.ts`;

/** A runnerctl process that runs. */
export interface RunningRunnerctl {
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves with the first match in what it printed on standard output so far or prints later. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Starts runnerctl from its sources, in an environment without the user's own settings. */
export function startRunnerctl(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningRunnerctl {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    cwd: root,
    env: { PATH, HOME, ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const ended = once(child, "close").then(([code]) => ({ code, stdout, stderr }));
  return {
    process: child,
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(stdout);
          if (match !== null) {
            child.stdout.off("data", look);
            resolve(match);
          }
        };
        child.stdout.on("data", look);
        look();
        ended.then((end) => reject(new Error(`ended before ${pattern}: ${JSON.stringify(end)}`)));
      }),
  };
}

/** Runs runnerctl to its end. */
export function runRunnerctl(args: readonly string[], env?: NodeJS.ProcessEnv) {
  const { process: child, ended } = startRunnerctl(args, env);
  child.stdin.end();
  return ended;
}
