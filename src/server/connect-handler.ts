import { constants } from "node:http2";
import { base64Decode } from "@bufbuild/protobuf/wire";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { callerDisconnected } from "./caller-disconnected.ts";
import { compressions } from "./compressions.ts";
import type { FastPath } from "./fast-path.ts";
import type { Exchange, NodeRequest, RequestHead } from "./http/exchange.ts";
import type { CachedResponse } from "./http/http1-fast-path.ts";
import type { ServerLimits } from "./http/limits.ts";
import { memoize } from "./http/memoize.ts";
import { readBody } from "./http/request-body.ts";
import type { BufferedRequest } from "./http/request-parser.ts";
import { type Call, callKey } from "./observability/call.ts";
import type { CallObserver } from "./observability/call-observer.ts";
import { requestIdFrom, requestIdHeader } from "./observability/request-id.ts";

/** Options of {@link createConnectHandler}. */
export interface ConnectHandlerOptions {
  /** Registers the services to serve. */
  readonly routes: (router: ConnectRouter) => void;
  /** Interceptors around the services, outermost first. */
  readonly interceptors: readonly Interceptor[];
  /**
   * Returns the error to reject the request with, or undefined if it is allowed. Called before the
   * body is read.
   */
  readonly authorize: (request: RequestHead) => ConnectError | undefined;
  /** Observes every call. */
  readonly observer: CallObserver;
  readonly limits: ServerLimits;
  /** The options with which Connect reads and writes JSON. */
  readonly jsonOptions?: object;
  /** Serves the calls of GetRunner that it can. Default: Connect serves all of them. */
  readonly fastPath?: FastPath | undefined;
}

/** Serves RPC requests. */
export interface ConnectHandler {
  /** Serves a request if `path` is that of a known method, otherwise returns false. */
  serve(path: string, exchange: Exchange): boolean;
  /** Returns the cached response to a call, if there is one, and records the call as completed. */
  findCachedResponse(path: string, request: BufferedRequest): CachedResponse | undefined;
}

/** The context key of the function that Connect runs for a call before it reads the body. */
const gateKey = createContextKey<(context: HandlerContext) => void>(() => {});

/**
 * Creates a handler that routes requests to Connect's own handlers, which implement the protocols
 * and write all errors. It adds what surrounds them: request ids, time limits, and the data for the
 * log and the metrics.
 */
export function createConnectHandler(options: ConnectHandlerOptions): ConnectHandler {
  const { limits, observer, authorize, fastPath } = options;
  const router = createConnectRouter({
    acceptCompression: compressions,
    ...(options.jsonOptions && { jsonOptions: options.jsonOptions }),
    readMaxBytes: limits.maxBodyBytes,
    interceptors: [...options.interceptors],
    requestGate: (context) => context.values.get(gateKey)(context),
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const getRunner = router.handlers.find(({ method }) => method === RunnerService.method.getRunner);

  function createCall({ headers }: RequestHead, { method }: UniversalHandler): Call {
    return {
      requestId: requestIdFrom(headers[requestIdHeader]),
      protocol: detectProtocol(headers["content-type"]),
      method: method.name,
    };
  }

  function serve(path: string, exchange: Exchange): boolean {
    const handler = handlers.get(path);
    if (handler === undefined) {
      return false;
    }
    const call = createCall(exchange, handler);
    const end = observer.begin(call);
    const serveWithConnect = (body?: () => Promise<Buffer>, failure?: unknown) => {
      exchange.addHeaders([requestIdHeader, call.requestId]);
      callConnect(handler, call, exchange, body, failure).then(end, (error: unknown) => {
        call.error = error;
        exchange.fail();
        end("internal");
      });
    };
    if (fastPath === undefined || handler !== getRunner) {
      serveWithConnect();
    } else {
      fastPath.serve(exchange, call, end, serveWithConnect);
    }
    return true;
  }

  function findCachedResponse(path: string, request: BufferedRequest): CachedResponse | undefined {
    const startedAt = performance.now();
    const response =
      path === getRunner?.requestPath ? fastPath?.findCachedResponse(request) : undefined;
    if (getRunner === undefined || response === undefined) {
      return undefined;
    }
    const call = createCall(request, getRunner);
    call.runnerId = response.runnerId;
    observer.begin(call, startedAt)("ok");
    const headers = [...response.headers, requestIdHeader, call.requestId];
    return { headers, body: response.body };
  }

  return { serve, findCachedResponse };

  /** Returns what a call must fail with, whatever its body is. */
  function findRejection(exchange: Exchange, request: UniversalServerRequest): unknown {
    try {
      return authorize(exchange) ?? checkQuery(request);
    } catch (error) {
      return error;
    }
  }

  /**
   * Serves a call with Connect. Resolves to its code when the response has been sent. A call with a
   * `failure` fails with that.
   */
  async function callConnect(
    handler: UniversalHandler,
    call: Call,
    exchange: Exchange,
    bufferedBody: (() => Promise<Buffer>) | undefined,
    failure: unknown,
  ): Promise<string> {
    const { request, response } = exchange.toNode();
    const closed = exchange.isClosed
      ? undefined
      : new Promise<void>((resolve) => response.once("close", resolve));
    const contextValues = createContextValues();
    const universalRequest = universalRequestFromNodeRequest(
      request,
      response,
      undefined,
      contextValues,
    );
    const rejection = failure ?? findRejection(exchange, universalRequest);
    const controller = new AbortController();
    universalRequest.signal.addEventListener("abort", () => controller.abort(callerDisconnected()));
    const timer = setTimeout(
      () =>
        controller.abort(
          new ConnectError("the call exceeded the time limit of the server", Code.DeadlineExceeded),
        ),
      limits.requestTimeoutMs,
    );
    let callSignal = controller.signal;
    contextValues.set(callKey, call).set(gateKey, ({ signal }) => {
      callSignal = signal;
      if (signal.aborted) {
        recordError(call, signal.reason);
        throw signal.reason;
      }
      signal.addEventListener("abort", () => recordError(call, signal.reason));
      if (rejection !== undefined) {
        throw rejection;
      }
    });
    // The body of a unary call is read completely, up to a size limit. That of a streaming call is
    // read as it arrives, so it cannot have such a limit.
    const body =
      handler.method.methodKind === "unary"
        ? singleChunk(
            bufferedBody ??
              (async () => {
                const maxBytes = limits.maxBodyBytes + envelopeBytes;
                const body = await readBody(request, maxBytes, callSignal);
                if (body === undefined) {
                  throw callerDisconnected();
                }
                return body;
              }),
          )
        : universalRequest.body;
    dropOversizedTimeout(universalRequest.header);
    if (request.method === "GET") {
      // Some clients send a Content-Type without a body, which Connect would reject.
      universalRequest.header.delete("content-type");
      response.appendHeader("Vary", "Accept-Encoding");
    }
    const universalResponse = await handler({
      ...universalRequest,
      signal: controller.signal,
      body,
    }).finally(() => clearTimeout(timer));
    if (universalResponse.status === 405) {
      response.setHeader("Allow", handler.allowedMethods.join(", "));
    }
    // Over HTTP/1.1, this promise never resolves, but it rejects when the caller disconnects.
    universalResponseToNodeResponse(universalResponse, response).catch(() => response.destroy());
    await closed;
    return wasAborted(request) ? "canceled" : resultCode(call, universalResponse.status);
  }
}

/** Returns whether the caller aborted a request. Its status then says nothing about the call. */
function wasAborted(request: NodeRequest): boolean {
  return "stream" in request
    ? request.stream.rstCode !== constants.NGHTTP2_NO_ERROR
    : request.aborted;
}

/** Returns the code of a call: Connect's, or the HTTP status if no protocol matches the request. */
function resultCode({ error }: Call, status: number): string {
  if (error !== undefined) {
    return codeName(ConnectError.from(error, Code.Internal).code);
  }
  return status === 200 ? "ok" : `http_${status}`;
}

/** Returns the name of a code in Connect's JSON, such as `not_found` for Code.NotFound. */
function codeName(code: Code): string {
  return Code[code].replace(/\B[A-Z]/g, "_$&").toLowerCase();
}

/**
 * Records the error that a call ends with. In every protocol, Connect's handlers abort their signal
 * with it before they write it; after a success, the reason is an AbortError.
 *
 * Also fixes two errors before Connect writes them. A malformed binary message is the caller's
 * mistake, as it is in JSON, and not an internal error. And an error message that quotes malformed
 * Unicode from a request cannot be sent in a header.
 */
function recordError(call: Call | undefined, reason: unknown): void {
  if (call === undefined || (reason instanceof Error && reason.name === "AbortError")) {
    return;
  }
  call.error = reason;
  if (reason instanceof ConnectError) {
    const { code, rawMessage } = reason;
    Object.assign(reason, {
      code: rawMessage.startsWith("parse binary: ") ? Code.InvalidArgument : code,
      rawMessage: rawMessage.toWellFormed(),
    });
  }
}

/** The longest delay of a timer, in milliseconds. With a longer delay, it fires immediately. */
const maxTimerMs = 2 ** 31 - 1;

const millisecondsPer = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };

/**
 * Removes a Connect or gRPC timeout that is too long for a timer, about 25 days. The much shorter
 * time limit of the server still applies.
 */
function dropOversizedTimeout(header: Headers): void {
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(header.get("grpc-timeout") ?? "") ?? [];
  const grpcMs = Number(amount) * millisecondsPer[unit as keyof typeof millisecondsPer];
  if (grpcMs > maxTimerMs) {
    header.delete("grpc-timeout");
  }
  const [connectMs] = /^\d{10}$/.exec(header.get("connect-timeout-ms") ?? "") ?? [];
  if (Number(connectMs) > maxTimerMs) {
    header.delete("connect-timeout-ms");
  }
}

/** Returns the error if a GET has a malformed base64 message, which Connect reports as internal. */
function checkQuery({ method, url }: Pick<UniversalServerRequest, "method" | "url">) {
  if (method !== "GET") {
    return undefined;
  }
  const parameters = new URL(url).searchParams;
  if (parameters.get("base64") === "1") {
    try {
      base64Decode(parameters.get("message") ?? "");
    } catch (error) {
      return ConnectError.from(error, Code.InvalidArgument);
    }
  }
  return undefined;
}

/** The size of the envelope before a gRPC message: one byte of flags and four of length. */
const envelopeBytes = 5;

const detectProtocol = memoize(
  (contentType: string | undefined): string =>
    /^application\/(grpc-web|grpc)\b/i.exec(contentType ?? "")?.[1]?.toLowerCase() ?? "connect",
);

/** Yields the body of a request as one chunk, which is not read before it is needed. */
async function* singleChunk(
  read: () => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield await read();
}
