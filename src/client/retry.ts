import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Clock, systemClock } from "./clock.ts";
import { timeoutHeader, type UnaryCall } from "./unary-transport.ts";

/** Options for retrying calls, with exponential backoff and full jitter. */
export interface RetryOptions {
  /** The maximum number of attempts, including the first one. Default: 4. */
  readonly maxAttempts?: number;
  /**
   * The maximum delay before the second attempt, in milliseconds. It doubles with each attempt.
   * Default: 200.
   */
  readonly initialDelayMs?: number;
  /** The upper limit of the maximum delay, in milliseconds. Default: 5000. */
  readonly maxDelayMs?: number;
  /** The source of time and randomness. Default: the system clock. */
  readonly clock?: Clock;
}

/** The maximum accepted `Retry-After`, in milliseconds. If it is longer, the call fails at once. */
const maxRetryAfterMs = 60_000;

/**
 * Wraps a call so that it is retried after the transient errors `unavailable`, which includes lost
 * connections, and `resource_exhausted`. Only retries methods that the contract declares idempotent
 * or free of side effects.
 *
 * Uses exponential backoff with full jitter, so that clients do not retry all at once. A
 * `Retry-After` header (RFC 9110, section 10.2.3) of up to 60 s replaces the delay. If the delay is
 * longer than that or would exceed the call's deadline, the call fails at once with the last error.
 * The caller's signal aborts the delay.
 *
 * The final error contains the number of attempts if there was more than one.
 */
export function withRetries(call: UnaryCall, options: RetryOptions = {}): UnaryCall {
  const {
    maxAttempts = 4,
    initialDelayMs = 200,
    maxDelayMs = 5_000,
    clock = systemClock,
  } = options;
  return async (request) => {
    if (!isSafeToRetry(request.method.idempotency)) {
      return call(request);
    }
    const { signal, header } = request;
    const start = clock.now();
    const timeoutMs = Number(header.get(timeoutHeader) ?? Number.POSITIVE_INFINITY);
    for (let attempt = 1; ; attempt++) {
      try {
        return await call(request);
      } catch (reason) {
        const error = ConnectError.from(reason);
        const delay =
          retryAfterMs(error.metadata, clock.now()) ??
          clock.random() * Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1));
        const timeLeft = timeoutMs - (clock.now() - start) - delay;
        if (
          !isTransient(error) ||
          attempt >= maxAttempts ||
          delay > maxRetryAfterMs ||
          timeLeft <= 0
        ) {
          throw withAttemptCount(error, attempt);
        }
        await clock.sleep(delay, signal).catch((reason) => {
          throw withAttemptCount(ConnectError.from(reason, Code.Canceled), attempt);
        });
        if (timeLeft < Number.POSITIVE_INFINITY) {
          header.set(timeoutHeader, String(Math.ceil(timeLeft)));
        }
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

/** Returns the delay that the server requests: `Retry-After` is either in seconds or a date. */
function retryAfterMs(header: Headers, now: number): number | undefined {
  const value = header.get("Retry-After")?.trim();
  if (value === undefined) {
    return undefined;
  }
  const delay = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(delay) ? undefined : Math.max(0, delay);
}

/** Returns a copy of the error with the number of attempts in its message. */
function withAttemptCount(error: ConnectError, attempts: number): ConnectError {
  if (attempts === 1) {
    return error;
  }
  const result = new ConnectError(
    `${error.rawMessage} (${attempts} attempts)`,
    error.code,
    error.metadata,
    undefined,
    error,
  );
  const { details, isWireError } = error;
  return Object.assign(result, { details, isWireError });
}
