import { setTimeout } from "node:timers/promises";

const stopSignals = ["SIGINT", "SIGTERM"] as const;

/** The next request to stop the process. */
export interface StopSignal {
  /** Aborted at the next SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Stops to wait for it. */
  cancel(): void;
}

/**
 * Waits for the next SIGINT or SIGTERM. After that, or after `cancel`, these signals end the process
 * immediately, as by default.
 */
export function createStopSignal(): StopSignal {
  const controller = new AbortController();
  const cancel = () => {
    for (const name of stopSignals) {
      process.off(name, onSignal);
    }
  };
  const onSignal = () => {
    cancel();
    controller.abort();
  };
  for (const name of stopSignals) {
    process.on(name, onSignal);
  }
  return { signal: controller.signal, cancel };
}

/** Resolves after `ms` milliseconds, or at the next SIGINT or SIGTERM. */
export async function delayUntilStopSignal(ms: number): Promise<void> {
  const { signal, cancel } = createStopSignal();
  await setTimeout(ms, undefined, { signal }).catch(() => {});
  cancel();
}
