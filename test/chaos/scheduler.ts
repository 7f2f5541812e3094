import { readFileSync } from "node:fs";

/**
 * Returns how long the main thread of a process has been waiting for a processor in total, in
 * milliseconds. Returns 0 if the operating system does not say.
 */
export function processorWaitMs(pid: number): number {
  try {
    const [, nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
    return Number(nanoseconds) / 1e6;
  } catch {
    return 0;
  }
}
