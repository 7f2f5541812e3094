import { startTimer } from "./timer.ts";

/** The source of time and randomness for retrying, watching and waiting. Replaceable in tests. */
export interface Clock {
  /**
   * Returns the current time, in milliseconds since the Unix epoch. It jumps when the clock of the
   * machine is set, so it is only for dates.
   */
  now(): number;
  /** Returns the time since some fixed moment, in milliseconds. It never jumps. */
  monotonicNow(): number;
  /** Resolves after `ms` milliseconds. Rejects with the signal's reason if it is aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Returns a random number from 0 (inclusive) to 1 (exclusive). */
  random(): number;
}

/** The system clock, with `Math.random()` for randomness. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const onAbort = () => {
        cancel();
        reject(signal.reason);
      };
      const cancel = startTimer(ms, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      if (signal.aborted) {
        onAbort();
      } else {
        signal.addEventListener("abort", onAbort, { once: true });
      }
    }),
};
