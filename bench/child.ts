import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pinned, type Role } from "./cores.ts";

/** A process of its own, which answers what it is asked. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Asks, and returns the answer. Rejects if the process ends instead. */
  ask<Answer>(question: unknown): Promise<Answer>;
}

/** Runs a file of this folder in a process on the core of its role. */
export function startChild(role: Role, file: string): Child {
  const path = join(import.meta.dirname, file);
  const [program, ...args] = pinned(role, [process.execPath, path]);
  // Standard output is for the tables.
  const child = spawn(program, args, {
    stdio: ["ignore", 2, "inherit", "ipc"],
    serialization: "advanced",
  });
  const ended = endOf(child).then((how) => {
    throw new Error(`bench/${file} ended ${how}`);
  });
  // It is told to whoever asks.
  ended.catch(() => {});
  return {
    // taskset becomes the program it runs.
    pid: child.pid ?? 0,
    async ask<Answer>(question: unknown) {
      const answer = once(child, "message").then(([message]) => message as Answer);
      child.send(question as object);
      return await Promise.race([answer, ended]);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended.catch(() => {});
    },
  };
}

/** Resolves when a process has ended, and says how. */
async function endOf(child: ChildProcess): Promise<string> {
  const [code, signal] = await once(child, "exit");
  return signal === null ? `with exit code ${code}` : `by ${signal}`;
}
