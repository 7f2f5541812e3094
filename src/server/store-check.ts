import type { Logger } from "pino";
import {
  type RunnerStore,
  type StoreStatus,
  StoreUnreachableError,
} from "../store/runner-store.ts";

/** The maximum time for a store to answer, in milliseconds. Probes give up soon after. */
const timeoutMs = 2000;

/**
 * Creates a function that asks a store for its status. It never rejects: a store that fails to answer,
 * or not in time, is not ready. Concurrent calls share one answer.
 *
 * When the store stops or starts to be ready, it logs that to `logger`.
 */
export function createStoreCheck(store: RunnerStore, logger: Logger): () => Promise<StoreStatus> {
  let running: Promise<StoreStatus> | undefined;
  let wasReady = true;

  async function check(): Promise<StoreStatus> {
    let status: StoreStatus;
    let error: unknown;
    try {
      status = await askStore(store);
    } catch (reason) {
      error = reason;
      status = { ready: false, messages: [describeFailure(reason)] };
    }
    running = undefined;
    if (status.ready !== wasReady) {
      wasReady = status.ready;
      const { messages } = status;
      if (wasReady) {
        logger.info({ messages }, "the store is ready");
      } else {
        logger.warn(
          { messages, ...(error !== undefined && { err: error }) },
          "the store is not ready",
        );
      }
    }
    return status;
  }

  return () => (running ??= check());
}

async function askStore(store: RunnerStore): Promise<StoreStatus> {
  if (store.check === undefined) {
    return { ready: true, messages: [] };
  }
  const controller = new AbortController();
  const timedOut = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new CheckTimeoutError(`the store did not answer within ${timeoutMs / 1000} s`);
    controller.abort(error);
    timedOut.reject(error);
  }, timeoutMs);
  try {
    const answer = store.check({ signal: controller.signal });
    const { ready, messages } = await Promise.race([answer, timedOut.promise]);
    return { ready, messages: [...messages] };
  } finally {
    clearTimeout(timer);
  }
}

class CheckTimeoutError extends Error {
  override readonly name = "CheckTimeoutError";
}

/** Describes why a store could not be asked, without details, which the caller of a probe must not see. */
function describeFailure(error: unknown): string {
  if (error instanceof CheckTimeoutError) {
    return error.message;
  }
  return error instanceof StoreUnreachableError
    ? "the store is unreachable"
    : "the check of the store failed";
}
