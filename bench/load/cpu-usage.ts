import { readFileSync } from "node:fs";
import type { CpuUsage } from "../benchmark.ts";

/** The CPU usage during a period of time. */
export interface CpuMeasurement {
  readonly seconds: number;
  readonly cpu: CpuUsage;
}

/**
 * Starts to measure the CPU usage of the server's process and of this process,
 * which generates the load. Returns a function that ends the measurement.
 */
export function startCpuMeasurement(serverPid: number): () => CpuMeasurement {
  const takeReading = () => ({
    time: performance.now() / 1000,
    server: readCpuSeconds(serverPid),
    load: readCpuSeconds(process.pid),
  });
  const start = takeReading();
  return () => {
    const end = takeReading();
    const seconds = end.time - start.time;
    return {
      seconds,
      cpu: {
        server: (end.server - start.server) / seconds,
        load: (end.load - start.load) / seconds,
      },
    };
  };
}

/** Returns the CPU time of a process so far, in seconds; NaN if the platform is not Linux. */
function readCpuSeconds(pid: number): number {
  if (process.platform !== "linux") {
    return Number.NaN;
  }
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // proc_pid_stat(5): utime and stime are fields 14 and 15. The command name, field 2, is in
  // parentheses and may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

/** The kernel's USER_HZ, the same on every Linux that Node.js runs on. */
const clockTicksPerSecond = 100;
