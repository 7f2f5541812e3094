import { Code, type ConnectError } from "@connectrpc/connect";
import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { diffRunners, isHeartbeatOnly, type RunnerChange } from "../runner/runner-diff.ts";
import { type PollOptions, type PollResult, pollRunner } from "./poll-runner.ts";
import type { RunnerClient } from "./runner-client.ts";

/** An event of {@link watchRunner}. */
export type RunnerEvent =
  /** The runner as it was first received. */
  | { readonly type: "runner"; readonly runner: Runner }
  /**
   * The runner has changed. For `heartbeat`, only the time of the last heartbeat
   * (`status.updatedAt`) has changed.
   */
  | {
      readonly type: "changed" | "heartbeat";
      readonly runner: Runner;
      readonly previous: Runner;
      readonly changes: readonly RunnerChange[];
    }
  /** A call failed with a transient error. */
  | {
      readonly type: "error";
      readonly error: ConnectError;
      /** The number of consecutive failures so far. */
      readonly failures: number;
      /** The last known state of the runner. Undefined if it was never received. */
      readonly previous: Runner | undefined;
    }
  /**
   * A call succeeded after `failures` consecutive failures. If the runner has changed in the
   * meantime, the change is the next event.
   */
  | { readonly type: "recovered"; readonly runner: Runner; readonly failures: number }
  /** The last event: the runner no longer exists or is no longer visible to the caller. */
  | { readonly type: "deleted"; readonly previous: Runner };

/**
 * Watches a runner: yields its current state, then its changes. The API does not push changes, so
 * the runner is polled, and a change that is reverted between two calls is missed.
 *
 * Transient errors are events. The generator ends when the runner is deleted, when the signal is
 * aborted, and on `break` or `return()`, which also abort a pending call.
 *
 * Throws a ConnectError for permanent errors: the runner is not found at the start, its id is not
 * valid, the token is missing, invalid or expired, the caller does not have permission, the server
 * does not implement RunnerService, or the connection cannot succeed, for example because the
 * certificate is not trusted. Throws a RangeError if an option does not accept its number.
 */
export function watchRunner(
  client: RunnerClient,
  runnerId: string,
  options: PollOptions = {},
): AsyncGenerator<RunnerEvent, void, undefined> {
  const controller = new AbortController();
  const results = pollRunner(client, runnerId, { ...options, signal: controller.signal });
  const events = watch(results, controller, options.signal);
  // A generator handles return() only after its pending await, so abort that first.
  const originalReturn = events.return.bind(events);
  events.return = (value) => {
    controller.abort();
    return originalReturn(value);
  };
  return events;
}

/** Yields the events of a runner, and aborts the controller when the signal is aborted. */
async function* watch(
  results: AsyncIterable<PollResult>,
  controller: AbortController,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunnerEvent, void, undefined> {
  // Not AbortSignal.any, which older browsers do not have.
  const onAbort = () => controller.abort(signal?.reason);
  if (signal?.aborted) {
    onAbort();
  }
  signal?.addEventListener("abort", onAbort);
  try {
    yield* detectEvents(results);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

async function* detectEvents(
  results: AsyncIterable<PollResult>,
): AsyncGenerator<RunnerEvent, void, undefined> {
  let previous: Runner | undefined;
  let failures = 0;
  for await (const { runner, error } of results) {
    if (error?.code === Code.NotFound) {
      if (previous === undefined) {
        throw error;
      }
      yield { type: "deleted", previous };
      return;
    }
    if (error !== undefined) {
      failures++;
      yield { type: "error", error, failures, previous };
      continue;
    }
    if (previous === undefined) {
      yield { type: "runner", runner };
    } else {
      if (failures > 0) {
        yield { type: "recovered", runner, failures };
      }
      const changes = diffRunners(previous, runner);
      if (changes.length > 0) {
        const type = isHeartbeatOnly(changes) ? "heartbeat" : "changed";
        yield { type, runner, previous, changes };
      }
    }
    failures = 0;
    previous = runner;
  }
}
