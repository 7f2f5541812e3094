/**
 * Begins to wait for something that is not to take longer than a limit; the function that is returned
 * says that it is there. `giveUp` is called if nobody says so in time.
 */
export type TimeLimit = (giveUp: () => void) => () => void;

/**
 * Creates a limit of `ms` milliseconds for very many things. They share one timer, for a timer each
 * takes longer to set than most of what is waited for. It does not keep the process from ending.
 */
export function createTimeLimit(ms: number): TimeLimit {
  /** What is waited for, and since when: the oldest first. */
  const waiting = new Map<() => void, number>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    timer = undefined;
    for (const [giveUp, since] of waiting) {
      const left = since + ms - performance.now();
      if (left > 0) {
        timer = setTimeout(look, left).unref();
        return;
      }
      waiting.delete(giveUp);
      giveUp();
    }
  }

  return (giveUp) => {
    waiting.set(giveUp, performance.now());
    if (timer === undefined) {
      timer = setTimeout(look, ms).unref();
    }
    return () => waiting.delete(giveUp);
  };
}
