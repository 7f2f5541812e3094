/**
 * Starts a timeout of `ms` milliseconds, after which `onTimeout` is called. The returned function
 * cancels it. The timer is armed only if the timeout has not been canceled by the end of the current
 * event-loop iteration.
 */
export type LazyTimeout = (ms: number, onTimeout: () => void) => () => void;

interface PendingTimeout {
  readonly ms: number;
  readonly onTimeout: () => void;
  isCanceled: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Creates a {@link LazyTimeout} for many operations of which most finish within the current
 * event-loop iteration, such as reading a body that has already arrived. For these, arming a timer
 * would take long in comparison.
 */
export function createLazyTimeout(): LazyTimeout {
  let pending: PendingTimeout[] = [];

  function armTimers(): void {
    for (const timeout of pending) {
      if (!timeout.isCanceled) {
        timeout.timer = setTimeout(timeout.onTimeout, timeout.ms);
      }
    }
    pending = [];
  }

  return (ms, onTimeout) => {
    const timeout: PendingTimeout = { ms, onTimeout, isCanceled: false, timer: undefined };
    if (pending.push(timeout) === 1) {
      setImmediate(armTimers);
    }
    return () => {
      timeout.isCanceled = true;
      clearTimeout(timeout.timer);
    };
  };
}
