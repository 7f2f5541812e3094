/**
 * Waits for something that is not to take longer than `ms` milliseconds, and calls `giveUp` when it
 * does. The function that is returned says that it is there.
 */
export type LazyTimeout = (ms: number, giveUp: () => void) => () => void;

interface Waiting {
  readonly ms: number;
  readonly giveUp: () => void;
  isOver: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Creates a {@link LazyTimeout} for very many things that mostly are there at once. It sets a timer only
 * for what has not come with all that was there to be read: to set one takes long in comparison.
 */
export function createLazyTimeout(): LazyTimeout {
  let begun: Waiting[] = [];

  function setTimers(): void {
    for (const waiting of begun) {
      if (!waiting.isOver) {
        waiting.timer = setTimeout(waiting.giveUp, waiting.ms);
      }
    }
    begun = [];
  }

  return (ms, giveUp) => {
    const waiting: Waiting = { ms, giveUp, isOver: false, timer: undefined };
    if (begun.push(waiting) === 1) {
      setImmediate(setTimers);
    }
    return () => {
      waiting.isOver = true;
      clearTimeout(waiting.timer);
    };
  };
}
