import type { Clock } from "../../src/client/clock.ts";

/** A clock whose time only advances during a sleep, which returns immediately. */
export interface FakeClock extends Clock {
  /** Sets the time of `now`, as when the clock of the machine is set; not `monotonicNow`. */
  jump(ms: number): void;
  /** The duration of each sleep so far, in milliseconds. */
  readonly sleeps: readonly number[];
}

/**
 * Creates a clock that starts on 1 January 2026. `random` is the fixed result of
 * its random numbers. `onSleep` is awaited at the start of each sleep.
 */
export function createFakeClock(random = 1, onSleep?: () => unknown): FakeClock {
  let start = Date.UTC(2026, 0, 1);
  let elapsed = 0;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => start + elapsed,
    monotonicNow: () => elapsed,
    jump: (ms) => {
      start += ms;
    },
    random: () => random,
    async sleep(ms, signal) {
      sleeps.push(ms);
      await onSleep?.();
      // Yield to the event loop, so that an endless loop of sleeps does not block it.
      await new Promise(setImmediate);
      signal.throwIfAborted();
      elapsed += ms;
    },
  };
}
