import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { numberOption, setOptions } from "../runner/option.ts";
import { unknownJson } from "../runner/runner-json.ts";
import { systemClock } from "./clock.ts";
import { type PollOptions, type PollResult, pollRunner } from "./poll-runner.ts";
import type { RunnerClient } from "./runner-client.ts";

/** Options of {@link waitForRunner}. */
export interface WaitOptions extends PollOptions {
  /**
   * The maximum total time to wait, in milliseconds. 0 checks the condition once, with a single
   * call. Default: no limit.
   */
  readonly timeoutMs?: number | undefined;
  /** Called with the result of each call that does not end the wait. Default: none. */
  readonly onProgress?: ((result: PollResult) => void) | undefined;
}

/** The error when a runner does not meet a condition within the timeout. */
export class WaitTimeoutError extends Error {
  override readonly name = "WaitTimeoutError";
  /** The last known state of the runner. Undefined if it was never received. */
  readonly runner: Runner | undefined;

  constructor(message: string, runner: Runner | undefined, cause: ConnectError | undefined) {
    super(message, { cause });
    this.runner = runner;
  }
}

/**
 * Polls a runner until it meets a condition, and returns it. Continues after transient errors.
 *
 * The condition is evaluated after each call, with the runner, or with undefined if the runner does
 * not exist: `(runner) => runner === undefined` waits until the runner is deleted, and
 * `waitForRunner` then returns undefined. A type predicate determines the type of the result:
 * `(runner): runner is Runner => …` never returns undefined.
 *
 * Throws
 *
 * - a {@link WaitTimeoutError} with the last known state if the timeout expires,
 * - a ConnectError with the code `not_found` if the runner does not exist and the condition is not
 *   met,
 * - a ConnectError with the code `canceled` if the signal is aborted,
 * - a ConnectError for any other permanent error, like `watchRunner`,
 * - a RangeError if an option does not accept its number.
 */
export async function waitForRunner<Result extends Runner | undefined>(
  client: RunnerClient,
  runnerId: string,
  condition: (runner: Runner | undefined) => runner is Result,
  options?: WaitOptions,
): Promise<Result>;
export async function waitForRunner(
  client: RunnerClient,
  runnerId: string,
  condition: (runner: Runner | undefined) => boolean,
  options?: WaitOptions,
): Promise<Runner | undefined>;
export async function waitForRunner(
  client: RunnerClient,
  runnerId: string,
  condition: (runner: Runner | undefined) => boolean,
  options: WaitOptions = {},
): Promise<Runner | undefined> {
  const { clock = systemClock, signal = new AbortController().signal } = setOptions(options);
  const timeoutMs = numberOption("timeoutMs", options.timeoutMs, Number.POSITIVE_INFINITY, {
    min: 0,
  });
  let last: { runner: Runner; seenAt: number } | undefined;
  let lastError: ConnectError | undefined;
  for await (const result of pollRunner(client, runnerId, { ...options, signal }, timeoutMs)) {
    const { runner, error } = result;
    const isNotFound = error?.code === Code.NotFound;
    if ((runner !== undefined || isNotFound) && condition(runner)) {
      return runner;
    }
    if (isNotFound) {
      throw error;
    }
    lastError = error;
    if (runner !== undefined) {
      last = { runner, seenAt: clock.monotonicNow() };
    }
    options.onProgress?.(result);
  }
  if (signal.aborted) {
    throw ConnectError.from(signal.reason, Code.Canceled);
  }
  const formatSeconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
  const state = [
    ...(last === undefined
      ? ["it could not be read"]
      : [
          `last seen ${formatSeconds(clock.monotonicNow() - last.seenAt)} ago in ${phaseName(last.runner)}`,
        ]),
    ...(lastError === undefined ? [] : [`the last call failed: ${lastError.message}`]),
  ];
  const limit = timeoutMs === 0 ? "" : ` within ${formatSeconds(timeoutMs)}`;
  throw new WaitTimeoutError(
    `runner ${runnerId} did not meet the condition${limit}: ${state.join("; ")}`,
    last?.runner,
    lastError,
  );
}

function phaseName(runner: Runner): string {
  const phase = runner.status?.phase ?? RunnerPhase.UNSPECIFIED;
  const unknownEnum = unknownJson(runner)?.enumNames.find(({ path }) => path === "status.phase");
  return unknownEnum?.name ?? RunnerPhaseSchema.value[phase]?.name ?? `phase ${phase}`;
}
