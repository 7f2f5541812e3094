import type { RunnerClient } from "../client/runner-client.ts";

/** The maximum number of concurrent calls of a command, however many runners it is given. */
const maxConcurrentCalls = 8;

/** Options of {@link limitConcurrency}. */
export interface ConcurrencyOptions {
  /**
   * Whether the time that a call waits for its turn counts toward its timeout, for commands
   * whose timeout is for all calls together. Default: false.
   */
  readonly timeoutIncludesQueue?: boolean;
}

/** Wraps a client so that at most {@link maxConcurrentCalls} calls are made at a time. */
export function limitConcurrency(
  client: RunnerClient,
  { timeoutIncludesQueue = false }: ConcurrencyOptions = {},
): RunnerClient {
  const queue: (() => void)[] = [];
  let running = 0;
  return {
    async getRunner(request, options) {
      const queuedAt = performance.now();
      if (running === maxConcurrentCalls) {
        await new Promise<void>((resolve) => queue.push(resolve));
      } else {
        running++;
      }
      try {
        if (!timeoutIncludesQueue || !options?.timeoutMs) {
          return await client.getRunner(request, options);
        }
        const timeLeft = Math.floor(options.timeoutMs - (performance.now() - queuedAt));
        // 0 would mean no timeout.
        return await client.getRunner(request, { ...options, timeoutMs: Math.max(1, timeLeft) });
      } finally {
        const startNext = queue.shift();
        if (startNext === undefined) {
          running--;
        } else {
          startNext();
        }
      }
    },
  };
}
