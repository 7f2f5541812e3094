import { Code, type ConnectError } from "@connectrpc/connect";
import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { diffRunners, isHeartbeatOnly, type RunnerChange } from "../runner/runner-diff.ts";
import { type PollOptions, pollRunner } from "./poll-runner.ts";
import type { RunnerClient } from "./runner-client.ts";

/** Something that happened to a runner, or to the watching of it. */
export type RunnerEvent =
  /** The runner as it is at first. */
  | { readonly type: "runner"; readonly runner: Runner }
  /**
   * The runner differs from what it was. As `heartbeat`, all that differs is
   * when it last gave a sign of life (`status.updatedAt`).
   */
  | {
      readonly type: "changed" | "heartbeat";
      readonly runner: Runner;
      readonly previous: Runner;
      readonly changes: readonly RunnerChange[];
    }
  /** A call failed for a reason that may pass. `failures` is how many did so in a row. */
  | {
      readonly type: "error";
      readonly error: ConnectError;
      readonly failures: number;
      /** The runner as it was last seen, if it was. */
      readonly previous: Runner | undefined;
    }
  /** After errors, the runner can be read again. What changed meanwhile comes next. */
  | { readonly type: "recovered"; readonly runner: Runner; readonly failures: number }
  /** There is no such runner any more, or the caller may not see it any more. The last event. */
  | { readonly type: "deleted"; readonly previous: Runner };

/**
 * Watches a runner: first gives the runner as it is, then what happens to it.
 * The API has no push, so it is asked for again and again: what comes and goes
 * between two calls is not seen.
 *
 * Ends when the runner is gone, when the signal is aborted, and by `break` or
 * `return()`, even while a call is under way: that is aborted, too.
 *
 * Throws a ConnectError for what asking again does not mend: the runner is
 * not found to begin with, its id is none, the token is missing, wrong or
 * expired, the caller is not permitted, or the server is no runner server.
 */
export function watchRunner(
  client: RunnerClient,
  runnerId: string,
  options: PollOptions = {},
): AsyncGenerator<RunnerEvent, void, undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])]);
  const events = watch(client, runnerId, { ...options, signal });
  // A generator takes return() only after the call or the wait that is under way.
  const end = events.return.bind(events);
  events.return = (value) => {
    stop.abort();
    return end(value);
  };
  return events;
}

async function* watch(
  client: RunnerClient,
  runnerId: string,
  options: PollOptions & { readonly signal: AbortSignal },
): AsyncGenerator<RunnerEvent, void, undefined> {
  let previous: Runner | undefined;
  let failures = 0;
  for await (const { runner, error } of pollRunner(client, runnerId, options)) {
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
