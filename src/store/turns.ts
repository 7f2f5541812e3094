import { setImmediate } from "node:timers/promises";

/** How long the event loop may be kept busy at a time, in milliseconds. */
const longestTurn = 10;

/**
 * Takes turns with others on the event loop. Call it often in long work and wait for the promise,
 * if there is one: there is none as long as the turn has not been long.
 */
export type TakeTurns = () => Promise<void> | undefined;

/** Creates a {@link TakeTurns} for one piece of work. */
export function createTurns(): TakeTurns {
  let started = performance.now();
  return () =>
    performance.now() - started < longestTurn
      ? undefined
      : setImmediate().then(() => {
          started = performance.now();
        });
}
