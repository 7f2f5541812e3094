import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pinCommand, type Role } from "./cores.ts";

/** A child process that responds to requests over IPC. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Sends a request and returns the response. Rejects if the process exits instead. */
  request<Response>(message: unknown): Promise<Response>;
}

/** Runs a file of this folder in a process, pinned to the core of its role. */
export function startChild(role: Role, file: string): Child {
  const path = join(import.meta.dirname, file);
  const [program, ...args] = pinCommand(role, [process.execPath, path]);
  // The child's standard output goes to standard error: standard output is for the tables.
  const child = spawn(program, args, {
    stdio: ["ignore", 2, "inherit", "ipc"],
    serialization: "advanced",
  });
  const exited = describeExit(child).then((exit) => {
    throw new Error(`bench/${file} exited ${exit}`);
  });
  // Pending requests report it.
  exited.catch(() => {});
  return {
    // taskset execs the program, so this is the program's process.
    pid: child.pid ?? 0,
    async request<Response>(message: unknown) {
      const response = once(child, "message").then(([response]) => response as Response);
      child.send(message as object);
      return await Promise.race([response, exited]);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited.catch(() => {});
    },
  };
}

/** Waits until a process has exited, and returns a description of how. */
async function describeExit(child: ChildProcess): Promise<string> {
  const [code, signal] = await once(child, "exit");
  return signal === null ? `with code ${code}` : `on ${signal}`;
}
