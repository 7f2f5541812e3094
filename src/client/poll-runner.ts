import { Code, ConnectError } from "@connectrpc/connect";
import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { RunnerClient } from "./runner-client.ts";

/** Options of all that asks for a runner again and again. */
export interface PollOptions {
  /**
   * The time from the end of a call to the next one, in milliseconds, give or
   * take a tenth: so that those who began together do not stay together.
   * Default: 5000.
   */
  readonly intervalMs?: number | undefined;
  /**
   * How long one call may take, all its attempts together, in milliseconds.
   * Default: 30000, whatever the client's own limit is.
   */
  readonly callTimeoutMs?: number | undefined;
  /** Stops it, and the call under way, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** What time is measured by. Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
}

/** What came of one call: a runner, or an error that need not be the last word. */
export type Poll =
  | { readonly runner: Runner; readonly error?: never }
  | { readonly runner?: never; readonly error: ConnectError };

/**
 * Asks for a runner again and again, one call at a time, until the signal is
 * aborted or `endsAt` has come, a time of the clock's.
 *
 * That there is no such runner (`not_found`) is told like a passing error; it
 * is for the caller to end it there. Throws errors that asking again does not
 * mend: `invalid_argument`, `unauthenticated`, `permission_denied`, and
 * `unimplemented` from a server that never gave a runner. From one that did, it
 * is a proxy's "404 page not found" while the server is down.
 */
export async function* pollRunner(
  client: RunnerClient,
  runnerId: string,
  options: PollOptions & { readonly signal: AbortSignal },
  endsAt = Number.POSITIVE_INFINITY,
): AsyncGenerator<Poll, void, undefined> {
  const { intervalMs = 5_000, callTimeoutMs = 30_000, signal, clock = systemClock } = options;
  let isKnown = false;
  while (!signal.aborted) {
    const timeoutMs = Math.min(callTimeoutMs, endsAt - clock.now());
    if (timeoutMs <= 0) {
      return;
    }
    const poll = await pollOnce(client, runnerId, { timeoutMs, signal });
    if (signal.aborted) {
      return;
    }
    if (poll.error !== undefined && isPermanent(poll.error, isKnown)) {
      throw poll.error;
    }
    isKnown ||= poll.runner !== undefined;
    yield poll;
    const interval = intervalMs * (0.9 + 0.2 * clock.random());
    const timeLeft = Math.max(0, endsAt - clock.now());
    await clock.sleep(Math.min(interval, timeLeft), signal).catch(() => {});
  }
}

async function pollOnce(
  client: RunnerClient,
  runnerId: string,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<Poll> {
  try {
    const { runner } = await client.getRunner({ runnerId }, options);
    if (runner === undefined) {
      throw new ConnectError("the answer has no runner in it", Code.Internal);
    }
    return { runner };
  } catch (error) {
    return { error: ConnectError.from(error) };
  }
}

function isPermanent({ code }: ConnectError, isKnown: boolean): boolean {
  return (
    code === Code.InvalidArgument ||
    code === Code.Unauthenticated ||
    code === Code.PermissionDenied ||
    (code === Code.Unimplemented && !isKnown)
  );
}
