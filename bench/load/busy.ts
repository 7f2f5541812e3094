import { readFileSync } from "node:fs";
import type { Busy } from "../contest.ts";

/** What happened between two times. */
export interface Stretch {
  readonly seconds: number;
  readonly busy: Busy;
}

/**
 * Begins a stretch of time, in the process that is the load. The function that
 * is returned ends it.
 */
export function beginStretch(serverPid: number): () => Stretch {
  const look = () => ({
    at: performance.now() / 1000,
    server: cpuSeconds(serverPid),
    load: cpuSeconds(process.pid),
  });
  const begin = look();
  return () => {
    const end = look();
    const seconds = end.at - begin.at;
    return {
      seconds,
      busy: {
        server: (end.server - begin.server) / seconds,
        load: (end.load - begin.load) / seconds,
      },
    };
  };
}

/** How much time of a core a process has had so far, in seconds; NaN where that cannot be told. */
function cpuSeconds(pid: number): number {
  if (process.platform !== "linux") {
    return Number.NaN;
  }
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // proc_pid_stat(5): the name, in brackets, may have spaces; utime and stime are the fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

/** The kernel's USER_HZ, the same on every Linux that Node.js runs on. */
const clockTicksPerSecond = 100;
