import type { Clock } from "../../src/client/clock.ts";

/** A clock whose time passes only while somebody sleeps, and then at once. */
export interface FakeClock extends Clock {
  /** How long each sleep was to be, in milliseconds. */
  readonly sleeps: readonly number[];
}

/**
 * Creates a clock that starts on 1 January 2026. `random` is what chance always
 * says. `onSleep` is awaited
 * as each sleep begins.
 */
export function createFakeClock(random = 1, onSleep?: () => unknown): FakeClock {
  let now = Date.UTC(2026, 0, 1);
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => now,
    random: () => random,
    async sleep(ms, signal) {
      sleeps.push(ms);
      await onSleep?.();
      // A turn of the event loop, so that those who never stop do not stop all others.
      await new Promise(setImmediate);
      signal.throwIfAborted();
      now += ms;
    },
  };
}
