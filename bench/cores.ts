import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The role of a process. Each role has its own core. */
export type Role = "server" | "load";

/** The core of each role; undefined if processes cannot be pinned. */
export const cores: Readonly<Record<Role, number>> | undefined = findCores();

/** Returns the command line that runs `command` on the core of its role. */
export function pinCommand(role: Role, command: readonly string[]): [string, ...string[]] {
  const [program = "", ...args] = command;
  return cores === undefined
    ? [program, ...args]
    : ["taskset", "--cpu-list", String(cores[role]), program, ...args];
}

/** Picks the first and last allowed CPU, because adjacent ones may be threads of one core. */
function findCores(): Record<Role, number> | undefined {
  if (process.platform !== "linux" || spawnSync("taskset", ["--version"]).status !== 0) {
    return undefined;
  }
  const [, list = ""] =
    /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  const numbers = list.split(/[,-]/).map(Number);
  const [server, load] = [Math.min(...numbers), Math.max(...numbers)];
  return server < load ? { server, load } : undefined;
}
