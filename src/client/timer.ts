import { maxTimerMs } from "../runner/option.ts";

/**
 * Calls `onEnd` after `ms` milliseconds, never for Infinity. Longer delays than a timer takes are
 * divided into several. Returns a function that cancels the timer.
 */
export function startTimer(ms: number, onEnd: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (left: number) => {
    timer =
      left <= maxTimerMs
        ? setTimeout(onEnd, left)
        : setTimeout(() => wait(left - maxTimerMs), maxTimerMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}
