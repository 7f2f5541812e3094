import { Code, ConnectError } from "@connectrpc/connect";
import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { numberOption, setOptions } from "../runner/option.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { RunnerClient } from "./runner-client.ts";

/** Options of functions that poll a runner, such as `watchRunner` and `waitForRunner`. */
export interface PollOptions {
  /**
   * The time between the end of a call and the start of the next one, in milliseconds. A random
   * jitter of ±10 % keeps clients that start together from staying in step. Default: 5000.
   */
  readonly intervalMs?: number | undefined;
  /**
   * The timeout of each call including its retries, in milliseconds; 0 or Infinity for no timeout.
   * It overrides the `timeoutMs` of the client. Default: 30,000.
   */
  readonly callTimeoutMs?: number | undefined;
  /** Stops polling and aborts the pending call. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** The source of time and randomness. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** The result of one call: the runner, or an error that does not end the polling by itself. */
export type PollResult =
  | { readonly runner: Runner; readonly error?: never }
  | { readonly runner?: never; readonly error: ConnectError };

/**
 * Polls a runner, one call at a time, until the signal is aborted or `timeoutMs` milliseconds have
 * passed (default: no limit). At least one call is made: with a limit of 0, it is the only one.
 *
 * Yields transient errors and `not_found`. It is up to the caller to stop at `not_found`. Throws
 * permanent errors: `invalid_argument`, `unauthenticated`, `permission_denied`,
 * `failed_precondition`, which includes certificates that are not trusted, and `unimplemented` if
 * the server has never returned the runner. If it has, `unimplemented` is transient: it is a proxy's
 * "404 page not found" while the server is down.
 *
 * Throws a RangeError at once if an option does not accept its number.
 */
export function pollRunner(
  client: RunnerClient,
  runnerId: string,
  options: PollOptions & { readonly signal: AbortSignal },
  timeoutMs = Number.POSITIVE_INFINITY,
): AsyncGenerator<PollResult, void, undefined> {
  const { clock = systemClock } = setOptions(options);
  const interval = { min: 0, max: Number.MAX_VALUE };
  return poll(client, runnerId, {
    intervalMs: numberOption("intervalMs", options.intervalMs, 5_000, interval),
    callTimeoutMs: numberOption("callTimeoutMs", options.callTimeoutMs, 30_000, { min: 0 }),
    timeoutMs,
    signal: options.signal,
    clock,
  });
}

interface PollSettings {
  readonly intervalMs: number;
  readonly callTimeoutMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

async function* poll(
  client: RunnerClient,
  runnerId: string,
  { intervalMs, callTimeoutMs, timeoutMs, signal, clock }: PollSettings,
): AsyncGenerator<PollResult, void, undefined> {
  const endsAt = clock.monotonicNow() + timeoutMs;
  const maxCallMs = callTimeoutMs || Number.POSITIVE_INFINITY;
  let timeLeft = timeoutMs || maxCallMs;
  let wasFound = false;
  while (timeLeft > 0 && !signal.aborted) {
    const result = await pollOnce(client, runnerId, {
      timeoutMs: Math.min(maxCallMs, timeLeft),
      signal,
    });
    if (signal.aborted) {
      return;
    }
    if (result.error !== undefined && isPermanent(result.error, wasFound)) {
      throw result.error;
    }
    wasFound ||= result.runner !== undefined;
    yield result;
    const interval = intervalMs * (0.9 + 0.2 * clock.random());
    timeLeft = endsAt - clock.monotonicNow();
    if (timeLeft > 0) {
      await clock.sleep(Math.min(interval, timeLeft), signal).catch(() => {});
    }
    // Timers can end a little early, so the time that is left does not tell whether this was the end.
    if (timeLeft <= interval) {
      return;
    }
    timeLeft = endsAt - clock.monotonicNow();
  }
}

async function pollOnce(
  client: RunnerClient,
  runnerId: string,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<PollResult> {
  try {
    const { runner } = await client.getRunner({ runnerId }, options);
    if (runner === undefined) {
      throw new ConnectError("the response does not contain a runner", Code.Internal);
    }
    return { runner };
  } catch (error) {
    return { error: ConnectError.from(error) };
  }
}

function isPermanent({ code }: ConnectError, wasFound: boolean): boolean {
  return (
    code === Code.InvalidArgument ||
    code === Code.Unauthenticated ||
    code === Code.PermissionDenied ||
    code === Code.FailedPrecondition ||
    (code === Code.Unimplemented && !wasFound)
  );
}
