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
import { type CallHeader, createCallHeader } from "./call-header.ts";

/** Makes one unary call. */
export type UnaryCall = (request: CallRequest) => Promise<UnaryResponse>;

/** A unary request as interceptors see it, except that its header need not be a `Headers`. */
export interface CallRequest extends Omit<UnaryRequest, "header"> {
  readonly header: CallHeader;
}

/** The header of the Connect protocol with the timeout of a call, in milliseconds. */
export const timeoutHeader = "Connect-Timeout-Ms";

/** Options of {@link createUnaryTransport}. */
export interface UnaryTransportOptions {
  /** Makes the calls on the wire. */
  readonly call: UnaryCall;
  /** The base URL of the API, without a trailing slash. */
  readonly baseUrl: string;
  /** Headers to send with each call. The headers of a call take precedence. Default: none. */
  readonly headers?: HeadersInit | undefined;
  /** Interceptors for each call, outermost first. Default: none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** The timeout of calls that do not set their own, in milliseconds. Default: no timeout. */
  readonly timeoutMs?: number | undefined;
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
  const { interceptors = [], headers } = options;
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
    // As in Connect, 0 or less means no timeout.
    const effectiveTimeoutMs = timeoutMs ?? options.timeoutMs ?? 0;
    const timer =
      effectiveTimeoutMs > 0
        ? setTimeout(
            () => controller.abort(timeoutError(effectiveTimeoutMs, options.origin)),
            effectiveTimeoutMs,
          )
        : undefined;
    try {
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
      clearTimeout(timer);
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
      for (const [name, value] of new Headers(callHeaders)) {
        result.set(name, value);
      }
    }
    if (timeoutMs > 0) {
      result.set(timeoutHeader, String(timeoutMs));
    }
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
