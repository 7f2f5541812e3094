import { create } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createContextValues,
  type Interceptor,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { maxTimerMs, numberOption } from "../runner/option.ts";
import { type CallHeader, createCallHeader, toHeaders } from "./call-header.ts";
import { startTimer } from "./timer.ts";

/** Makes one unary call. */
export type UnaryCall = (request: CallRequest) => Promise<UnaryResponse>;

/** A unary request as interceptors see it, except that its header need not be a `Headers`. */
export interface CallRequest extends Omit<UnaryRequest, "header"> {
  readonly header: CallHeader;
}

/** The header of the Connect protocol with the timeout of a call, in milliseconds. */
export const timeoutHeader = "Connect-Timeout-Ms";

/** Returns the timeout of a call from its header, in milliseconds. Infinity if it has none. */
export function getTimeout(header: CallHeader): number {
  const value = header.get(timeoutHeader) ?? "";
  return /^\d+$/.test(value) ? Number(value) : Number.POSITIVE_INFINITY;
}

/**
 * Sets the header with the timeout of a call. A timeout that is longer than a timer takes is not
 * sent: the server could time out at once.
 */
export function setTimeoutHeader(header: CallHeader, timeoutMs: number): void {
  if (timeoutMs <= maxTimerMs) {
    header.set(timeoutHeader, String(Math.ceil(timeoutMs)));
  } else {
    header.delete(timeoutHeader);
  }
}

/** Options of {@link createUnaryTransport}. */
export interface UnaryTransportOptions {
  /** Makes the calls on the wire. */
  readonly call: UnaryCall;
  /** The base URL of the API, without a trailing slash. */
  readonly baseUrl: string;
  /** Headers to send with each call. The headers of a call take precedence. Default: none. */
  readonly headers?: Headers | undefined;
  /** Interceptors for each call, outermost first. Default: none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** The timeout of calls that do not set their own, in milliseconds. 0 or Infinity: none. */
  readonly timeoutMs: number;
  /** The origin of the server, for the error of a timeout. Default: the error does not name it. */
  readonly origin?: string | undefined;
}

/**
 * Creates a transport for unary methods. It implements what is common to all calls, independent of
 * the protocol: headers, interceptors, timeout and cancellation. The signal of a call is aborted
 * when the timeout expires, when the caller's signal is aborted, and when the call completes. A
 * failed call rejects with a ConnectError.
 *
 * Connect's own `runUnaryCall` does the same, but allocates twice as many objects and creates an
 * exception for each successful call.
 */
export function createUnaryTransport(options: UnaryTransportOptions): Transport {
  const { interceptors = [], headers, timeoutMs: defaultTimeoutMs } = options;
  // The casts are safe: an interceptor returns a unary call for a unary call, and if there are
  // interceptors, createHeader() returns a `Headers`.
  const call = interceptors.reduceRight(
    (next, interceptor) => interceptor(next as ReturnType<Interceptor>) as UnaryCall,
    options.call,
  );

  const unary = async (
    ...[method, signal, timeoutMs, header, message, contextValues]: Parameters<Transport["unary"]>
  ): Promise<UnaryResponse> => {
    const controller = new AbortController();
    const onAbort = () => controller.abort(ConnectError.from(signal?.reason, Code.Canceled));
    if (signal?.aborted) {
      onAbort();
    }
    signal?.addEventListener("abort", onAbort);
    let cancelTimer: (() => void) | undefined;
    try {
      const effectiveTimeoutMs = callTimeout(timeoutMs, defaultTimeoutMs);
      if (effectiveTimeoutMs < Number.POSITIVE_INFINITY) {
        cancelTimer = startTimer(effectiveTimeoutMs, () =>
          controller.abort(timeoutError(effectiveTimeoutMs, options.origin)),
        );
      }
      return await call({
        stream: false,
        service: method.parent,
        method,
        requestMethod: "POST",
        url: `${options.baseUrl}/${method.parent.typeName}/${method.name}`,
        header: createHeader(header, effectiveTimeoutMs),
        contextValues: contextValues ?? createContextValues(),
        message: create(method.input, message),
        signal: controller.signal,
      });
    } catch (error) {
      throw error instanceof ConnectError || !controller.signal.aborted
        ? ConnectError.from(error)
        : controller.signal.reason;
    } finally {
      cancelTimer?.();
      signal?.removeEventListener("abort", onAbort);
      controller.abort(callCompleted);
    }
  };

  /** Creates the header of a call: a `Headers` only if the caller sets headers or may see it. */
  function createHeader(callHeaders: HeadersInit | undefined, timeoutMs: number): CallHeader {
    const isPrivate =
      headers === undefined && callHeaders === undefined && interceptors.length === 0;
    const result = isPrivate ? createCallHeader() : new Headers(headers);
    if (callHeaders !== undefined) {
      for (const [name, value] of toHeaders(callHeaders)) {
        result.set(name, value);
      }
    }
    setTimeoutHeader(result, timeoutMs);
    return result;
  }

  return {
    unary: unary as Transport["unary"],
    stream: (method) =>
      Promise.reject(
        new ConnectError(
          `${method} is a streaming method; only unary methods are supported`,
          Code.Unimplemented,
        ),
      ),
  };
}

/**
 * Returns the timeout of a call. As in Connect, 0 or less means no timeout.
 *
 * Throws a ConnectError if it is not a number.
 */
function callTimeout(timeoutMs: number | undefined, defaultTimeoutMs: number): number {
  if ((timeoutMs ?? defaultTimeoutMs) <= 0) {
    return Number.POSITIVE_INFINITY;
  }
  try {
    return numberOption("timeoutMs", timeoutMs, defaultTimeoutMs, { min: 0 });
  } catch (error) {
    throw ConnectError.from(error, Code.InvalidArgument);
  }
}

function timeoutError(timeoutMs: number, origin: string | undefined): ConnectError {
  const time = timeoutMs < 1000 ? `${Math.ceil(timeoutMs)} ms` : `${timeoutMs / 1000} s`;
  const server = origin === undefined ? "" : ` to ${origin}`;
  return new ConnectError(`the call${server} timed out after ${time}`, Code.DeadlineExceeded);
}

/**
 * The abort reason of the signal of a completed call. It is shared, because creating an exception
 * is slow. Connect maps it to `canceled` by its name, like the AbortErrors of the platform.
 */
const callCompleted = Object.assign(new Error("the call has completed"), { name: "AbortError" });
