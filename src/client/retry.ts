import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { maxTimerMs, numberOption, setOptions } from "../runner/option.ts";
import { type Clock, systemClock } from "./clock.ts";
import { parseRetryAfter } from "./retry-after.ts";
import { getTimeout, setTimeoutHeader, type UnaryCall } from "./unary-transport.ts";

/** Options for retrying calls, with exponential backoff and full jitter. */
export interface RetryOptions {
  /** The maximum number of attempts, including the first one. Infinity: no limit. Default: 4. */
  readonly maxAttempts?: number | undefined;
  /**
   * The maximum delay before the second attempt, in milliseconds. It doubles with each attempt.
   * Default: 200.
   */
  readonly initialDelayMs?: number | undefined;
  /**
   * The upper limit of the maximum delay, in milliseconds, or Infinity for no limit. Default: 5000.
   */
  readonly maxDelayMs?: number | undefined;
  /** The source of time and randomness. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** The maximum accepted `Retry-After`, in milliseconds. If it is longer, the call fails at once. */
const maxRetryAfterMs = 60_000;

/**
 * Wraps a call so that it is retried after the transient errors `unavailable`, which includes lost
 * connections, and `resource_exhausted`. Only retries methods that the contract declares idempotent
 * or free of side effects.
 *
 * Uses exponential backoff with full jitter, so that clients do not retry all at once. A
 * `Retry-After` header (RFC 9110, section 10.2.3) of up to 60 s replaces the delay. If it is longer
 * than that, or if the delay would exceed the call's deadline, the call fails at once with the last
 * error. A `Retry-After` that does not match its grammar is ignored. The caller's signal aborts the
 * delay.
 *
 * The final error contains the number of attempts if there was more than one, and if it is a
 * timeout, the error before it.
 *
 * Throws a RangeError if an option does not accept its number.
 */
export function withRetries(call: UnaryCall, options: RetryOptions = {}): UnaryCall {
  const { clock = systemClock } = setOptions(options);
  const maxAttempts = numberOption("retry.maxAttempts", options.maxAttempts, 4, {
    min: 1,
    integer: true,
  });
  const initialDelayMs = numberOption("retry.initialDelayMs", options.initialDelayMs, 200, {
    min: 0,
    max: maxTimerMs,
  });
  const maxDelayMs = numberOption("retry.maxDelayMs", options.maxDelayMs, 5_000, { min: 0 });
  /** Returns the delay after an attempt that failed, or undefined if the server asks for too long. */
  const delayAfter = (attempt: number, error: ConnectError): number | undefined => {
    const retryAfter = error.metadata.get("Retry-After");
    const requested = retryAfter === null ? undefined : parseRetryAfter(retryAfter, clock.now());
    if (requested !== undefined) {
      return requested <= maxRetryAfterMs ? requested : undefined;
    }
    // The exponent is limited, because 0 times Infinity is not a number.
    return clock.random() * Math.min(maxDelayMs, initialDelayMs * 2 ** Math.min(attempt - 1, 30));
  };
  return async (request) => {
    if (!isSafeToRetry(request.method.idempotency)) {
      return call(request);
    }
    const { signal, header } = request;
    const start = clock.monotonicNow();
    const timeoutMs = getTimeout(header);
    let previous: ConnectError | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        return await call(request);
      } catch (reason) {
        const error = ConnectError.from(reason);
        const delay = delayAfter(attempt, error);
        if (!isTransient(error) || attempt >= maxAttempts || delay === undefined) {
          throw withAttemptCount(error, attempt, previous);
        }
        const timeLeft = timeoutMs - (clock.monotonicNow() - start) - delay;
        if (timeLeft < 1) {
          throw withAttemptCount(error, attempt);
        }
        previous = error;
        await clock.sleep(delay, signal).catch((reason) => {
          throw withAttemptCount(ConnectError.from(reason, Code.Canceled), attempt, previous);
        });
        setTimeoutHeader(header, timeLeft);
      }
    }
  };
}

function isSafeToRetry(idempotency: MethodOptions_IdempotencyLevel): boolean {
  return (
    idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ||
    idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT
  );
}

function isTransient({ code }: ConnectError): boolean {
  return code === Code.Unavailable || code === Code.ResourceExhausted;
}

/**
 * Returns a copy of the error with the number of attempts in its message, and if it is a timeout,
 * with the error before it, which may be the reason.
 */
function withAttemptCount(
  error: ConnectError,
  attempts: number,
  previous?: ConnectError,
): ConnectError {
  const isTimeout = error.code === Code.DeadlineExceeded && previous !== undefined;
  if (attempts === 1 && !isTimeout) {
    return error;
  }
  const count = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const result = new ConnectError(
    `${error.rawMessage} (${count}${isTimeout ? `; last error: ${previous.rawMessage}` : ""})`,
    error.code,
    error.metadata,
    undefined,
    error,
  );
  const { details, isWireError } = error;
  return Object.assign(result, { details, isWireError });
}
