import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Clock, systemClock } from "./clock.ts";
import { timeoutHeader, type UnaryCall } from "./unary-transport.ts";

/** Options of {@link withRetries}. */
export interface RetryOptions {
  /** How many times a call is attempted at most, the first one counted. Default: 4. */
  readonly maxAttempts?: number;
  /** The longest wait before the second attempt, in milliseconds. It duplicates with each. Default: 200. */
  readonly initialDelayMs?: number;
  /** The longest wait before any attempt, in milliseconds. Default: 5000. */
  readonly maxDelayMs?: number;
  /** What the waits are measured by. Default: the clock of this machine. */
  readonly clock?: Clock;
}

/** A server that asks for more patience than this, in milliseconds, is not waited for. */
const maxRetryAfterMs = 60_000;

/**
 * Returns a call that is attempted again when the server is
 * `unavailable`, which includes lost connections, or has its
 * `resource_exhausted`. Only methods that the contract declares free of side
 * effects, or idempotent, are attempted again.
 *
 * The wait before each attempt is random, up to a limit that duplicates, so that
 * clients do not come back all at once. A server that says how long to wait
 * (`Retry-After`, RFC 9110, section 10.2.3) is obeyed. Nobody waits when the
 * call's time would be over by then: it fails at once, with the last error. The
 * caller's signal ends the wait, too.
 *
 * The error at the end says how many attempts were made.
 */
export function withRetries(call: UnaryCall, options: RetryOptions = {}): UnaryCall {
  const {
    maxAttempts = 4,
    initialDelayMs = 200,
    maxDelayMs = 5_000,
    clock = systemClock,
  } = options;
  return async (request) => {
    if (!mayBeRepeated(request.method.idempotency)) {
      return call(request);
    }
    const { signal, header } = request;
    const start = clock.now();
    const timeLimit = Number(header.get(timeoutHeader) ?? Number.POSITIVE_INFINITY);
    for (let attempt = 1; ; attempt++) {
      try {
        return await call(request);
      } catch (reason) {
        const error = ConnectError.from(reason);
        const delay =
          retryAfterMs(error.metadata, clock.now()) ??
          clock.random() * Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1));
        const timeLeft = timeLimit - (clock.now() - start) - delay;
        if (
          !isTransient(error) ||
          attempt >= maxAttempts ||
          delay > maxRetryAfterMs ||
          timeLeft <= 0
        ) {
          throw withAttempts(error, attempt);
        }
        await clock.sleep(delay, signal).catch((reason) => {
          throw withAttempts(ConnectError.from(reason, Code.Canceled), attempt);
        });
        if (timeLeft < Number.POSITIVE_INFINITY) {
          header.set(timeoutHeader, String(Math.ceil(timeLeft)));
        }
      }
    }
  };
}

function mayBeRepeated(idempotency: MethodOptions_IdempotencyLevel): boolean {
  return (
    idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ||
    idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT
  );
}

function isTransient({ code }: ConnectError): boolean {
  return code === Code.Unavailable || code === Code.ResourceExhausted;
}

/** How long the server asks to wait: it says it in seconds, or with the time when to come back. */
function retryAfterMs(header: Headers, now: number): number | undefined {
  const text = header.get("Retry-After")?.trim();
  if (text === undefined) {
    return undefined;
  }
  const delay = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(delay) ? undefined : Math.max(0, delay);
}

/** The error, with the number of attempts in its message. The one that was thrown is not ours to change. */
function withAttempts(error: ConnectError, attempts: number): ConnectError {
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
