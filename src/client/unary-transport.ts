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

/** Makes one call. */
export type UnaryCall = (request: CallRequest) => Promise<UnaryResponse>;

/** What is called for: as interceptors see it, but that the header need be no `Headers`. */
export interface CallRequest extends Omit<UnaryRequest, "header"> {
  readonly header: CallHeader;
}

/** The header that carries a call's time limit, in milliseconds, as the Connect protocol has it. */
export const timeoutHeader = "Connect-Timeout-Ms";

/** Options of {@link createUnaryTransport}. */
export interface UnaryTransportOptions {
  /** Makes the calls. */
  readonly call: UnaryCall;
  /** The URL below which the methods are, without a slash at its end. */
  readonly baseUrl: string;
  /** Headers of each call. A call's own replace them. Default: none. */
  readonly headers?: HeadersInit | undefined;
  /** Interceptors around each call, outermost first. Default: none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** How long a call may take that does not say, in milliseconds. Default: as long as it likes. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Creates a transport for unary methods: what all calls have in common,
 * whatever carries them. Each has a signal that is aborted when its time is
 * over, when its caller gives up and when it is done, and fails with a
 * ConnectError.
 *
 * Connect's own `runUnaryCall` does the same, but makes twice the objects, and
 * an exception for each call that goes well.
 */
export function createUnaryTransport(options: UnaryTransportOptions): Transport {
  const { interceptors = [], headers } = options;
  // Interceptors take unary calls and streams alike, and return what they took. If there are any,
  // the header is one of `Headers`.
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
    // As in Connect, a call says with 0 or less that it may take as long as it likes.
    const limit = timeoutMs ?? options.timeoutMs ?? 0;
    const timer = limit > 0 ? setTimeout(() => controller.abort(timedOut()), limit) : undefined;
    try {
      return await call({
        stream: false,
        service: method.parent,
        method,
        requestMethod: "POST",
        url: `${options.baseUrl}/${method.parent.typeName}/${method.name}`,
        header: headerOf(header, limit),
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
      controller.abort(done);
    }
  };

  /** The header of a call: one of `Headers` for those who bring such, or see it. */
  function headerOf(own: HeadersInit | undefined, limit: number): CallHeader {
    const isSimple = headers === undefined && own === undefined && interceptors.length === 0;
    const result = isSimple ? createCallHeader() : new Headers(headers);
    if (own !== undefined) {
      for (const [name, value] of new Headers(own)) {
        result.set(name, value);
      }
    }
    if (limit > 0) {
      result.set(timeoutHeader, String(limit));
    }
    return result;
  }

  return {
    unary: unary as Transport["unary"],
    stream: (method) =>
      Promise.reject(new ConnectError(`${method} is a stream, not a call`, Code.Unimplemented)),
  };
}

function timedOut(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}

/**
 * Why the signal of a call that is over is aborted. One for all: to make an exception takes its time.
 * Connect takes it for `canceled`, by its name, as it does what platforms abort with.
 */
const done = Object.assign(new Error("the call is done"), { name: "AbortError" });
