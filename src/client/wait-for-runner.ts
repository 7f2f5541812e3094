import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { unknownJson } from "../runner/runner-json.ts";
import { systemClock } from "./clock.ts";
import { type Poll, type PollOptions, pollRunner } from "./poll-runner.ts";
import type { RunnerClient } from "./runner-client.ts";

/** Options of {@link waitForRunner}. */
export interface WaitOptions extends PollOptions {
  /** How long to wait in all, in milliseconds. Default: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** Is told what came of each call that did not end the waiting. */
  readonly onProgress?: ((progress: Poll) => void) | undefined;
}

/** A condition that was waited for did not come to hold in time. */
export class WaitTimeoutError extends Error {
  override readonly name = "WaitTimeoutError";
  /** The runner as it was last seen, if it was. */
  readonly runner: Runner | undefined;

  constructor(message: string, runner: Runner | undefined, cause: ConnectError | undefined) {
    super(message, { cause });
    this.runner = runner;
  }
}

/**
 * Waits until a runner meets a condition, and returns it as it was then. Rides
 * out errors that may pass.
 *
 * The condition is asked after each call, with the runner, or with undefined
 * when there is no such runner: `(runner) => runner === undefined` waits until
 * it is deleted, and gets undefined. A condition that does not hold for
 * undefined ends there, with the error `not_found`.
 *
 * Throws a {@link WaitTimeoutError}, which tells the last state, when the time
 * is over; a ConnectError with the code `canceled` when the signal is aborted;
 * and other ConnectErrors for what asking again does not mend, as `watchRunner`.
 */
export async function waitForRunner(
  client: RunnerClient,
  runnerId: string,
  condition: (runner: Runner | undefined) => boolean,
  options: WaitOptions = {},
): Promise<Runner | undefined> {
  const {
    timeoutMs = Number.POSITIVE_INFINITY,
    clock = systemClock,
    signal = new AbortController().signal,
  } = options;
  let last: { runner: Runner; seenAt: number } | undefined;
  let lastError: ConnectError | undefined;
  const endsAt = clock.now() + timeoutMs;
  for await (const poll of pollRunner(client, runnerId, { ...options, signal }, endsAt)) {
    const { runner, error } = poll;
    const isGone = error?.code === Code.NotFound;
    if ((runner !== undefined || isGone) && condition(runner)) {
      return runner;
    }
    if (isGone) {
      throw error;
    }
    lastError = error;
    if (runner !== undefined) {
      last = { runner, seenAt: clock.now() };
    }
    options.onProgress?.(poll);
  }
  if (signal.aborted) {
    throw ConnectError.from(signal.reason, Code.Canceled);
  }
  const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
  const state = [
    ...(last === undefined
      ? ["it was never seen"]
      : [`${phaseOf(last.runner)}, seen ${seconds(clock.now() - last.seenAt)} ago`]),
    ...(lastError === undefined ? [] : [`the last call failed: ${lastError.message}`]),
  ];
  throw new WaitTimeoutError(
    `runner ${runnerId} did not get there in ${seconds(timeoutMs)}: ${state.join("; ")}`,
    last?.runner,
    lastError,
  );
}

function phaseOf(runner: Runner): string {
  const phase = runner.status?.phase ?? RunnerPhase.UNSPECIFIED;
  const newer = unknownJson(runner)?.enumNames.find(({ path }) => path === "status.phase");
  return newer?.name ?? RunnerPhaseSchema.value[phase]?.name ?? `phase ${phase}`;
}
