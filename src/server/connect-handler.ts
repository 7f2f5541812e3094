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
import type { Compression, UniversalHandler } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { callerDisconnected } from "./caller-disconnected.ts";
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
  /** The services to serve, and the interceptors around them, outermost first. */
  readonly routes: (router: ConnectRouter) => void;
  readonly interceptors: readonly Interceptor[];
  /** Tells why a request is not let in, if it is not. Asked before its body is read. */
  readonly refuse: (request: RequestHead) => ConnectError | undefined;
  /** Told of every call. */
  readonly observer: CallObserver;
  readonly limits: ServerLimits;
  /** Answers what it can of GetRunner, if there is one. */
  readonly fastPath?: FastPath | undefined;
}

/** Serves calls. */
export interface ConnectHandler {
  /** Serves a request, if it is for a method it knows, and says whether it is. */
  serve(path: string, exchange: Exchange): boolean;
  /** The answer to a call, if it is at hand: with it, the call has ended. */
  find(path: string, request: BufferedRequest): CachedResponse | undefined;
}

/** What a call does before Connect reads its body. */
const gateKey = createContextKey<(context: HandlerContext) => void>(() => {});

/**
 * Creates a handler that leads requests to Connect's own handlers, which speak
 * the protocols and write all errors. What it adds is around them: request ids,
 * limits on time, and what the log and the metrics need to know.
 */
export function createConnectHandler(options: ConnectHandlerOptions): ConnectHandler {
  const { limits, observer, refuse, fastPath } = options;
  const router = createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli].map(asInvalidArgument),
    readMaxBytes: limits.maxBodyBytes,
    interceptors: [...options.interceptors],
    requestGate: (context) => context.values.get(gateKey)(context),
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const getRunner = router.handlers.find(({ method }) => method === RunnerService.method.getRunner);

  function callOf({ headers }: RequestHead, { method }: UniversalHandler): Call {
    return {
      requestId: requestIdFrom(headers[requestIdHeader]),
      protocol: protocolOf(headers["content-type"]),
      method: method.name,
    };
  }

  function serve(path: string, exchange: Exchange): boolean {
    const handler = handlers.get(path);
    if (handler === undefined) {
      return false;
    }
    const call = callOf(exchange, handler);
    const end = observer.begin(call);
    const serveWithConnect = (body?: () => Promise<Buffer>) => {
      exchange.addHeaders([requestIdHeader, call.requestId]);
      callConnect(handler, call, exchange, body).then(end, (error: unknown) => {
        call.error = error;
        const { response } = exchange.toNode();
        response.statusCode = 500;
        response.end();
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

  function find(path: string, request: BufferedRequest): CachedResponse | undefined {
    const startedAt = performance.now();
    const answer = path === getRunner?.requestPath ? fastPath?.find(request) : undefined;
    if (getRunner === undefined || answer === undefined) {
      return undefined;
    }
    const call = callOf(request, getRunner);
    call.runnerId = answer.runnerId;
    observer.begin(call, startedAt)("ok");
    return { headers: [...answer.headers, requestIdHeader, call.requestId], body: answer.body };
  }

  return { serve, find };

  /** Answers a call, and returns the code it ended with once the answer is out. */
  async function callConnect(
    handler: UniversalHandler,
    call: Call,
    exchange: Exchange,
    bufferedBody: (() => Promise<Buffer>) | undefined,
  ): Promise<string> {
    const { request, response } = exchange.toNode();
    const closed = exchange.isOver
      ? undefined
      : new Promise<void>((resolve) => response.once("close", resolve));
    const refusal = refuse(exchange) ?? malformedQuery(exchange.url);
    const contextValues = createContextValues();
    const fromNode = universalRequestFromNodeRequest(request, response, undefined, contextValues);
    const controller = new AbortController();
    fromNode.signal.addEventListener("abort", () => controller.abort(callerDisconnected()));
    const timer = setTimeout(
      () =>
        controller.abort(
          new ConnectError("the call exceeded the time limit of the server", Code.DeadlineExceeded),
        ),
      limits.requestTimeoutMs,
    );
    let untilAborted = controller.signal;
    contextValues.set(callKey, call).set(gateKey, ({ signal }) => {
      untilAborted = signal;
      if (signal.aborted) {
        recordError(call, signal.reason);
        throw signal.reason;
      }
      signal.addEventListener("abort", () => recordError(call, signal.reason));
      if (refusal !== undefined) {
        throw refusal;
      }
    });
    // A stream is read as it comes; a single message is read at once, within
    // limits that a stream cannot have.
    const body =
      handler.method.methodKind === "unary"
        ? singleChunk(
            bufferedBody ??
              (async () => {
                const maxBytes = limits.maxBodyBytes + envelopeBytes;
                const body = await readBody(request, maxBytes, untilAborted);
                if (body === undefined) {
                  throw callerDisconnected();
                }
                return body;
              }),
          )
        : fromNode.body;
    dropOversizedTimeout(fromNode.header);
    if (request.method === "GET") {
      // Some clients name the type of a body that is not there; Connect would mind.
      fromNode.header.delete("content-type");
      response.appendHeader("Vary", "Accept-Encoding");
    }
    const answer = await handler({ ...fromNode, signal: controller.signal, body }).finally(() =>
      clearTimeout(timer),
    );
    if (answer.status === 405) {
      response.setHeader("Allow", handler.allowedMethods.join(", "));
    }
    // This never resolves over HTTP/1.1, and rejects when the caller is gone.
    universalResponseToNodeResponse(answer, response).catch(() => response.destroy());
    await closed;
    return wasAborted(request) ? "canceled" : codeOf(call, answer.status);
  }
}

/** Whether the caller broke a request off; what it was answered then says nothing of the call. */
function wasAborted(request: NodeRequest): boolean {
  return "stream" in request
    ? request.stream.rstCode !== constants.NGHTTP2_NO_ERROR
    : request.aborted;
}

/** The code that a call ended with: Connect's, or the HTTP status where no protocol was spoken. */
function codeOf({ error }: Call, status: number): string {
  if (error !== undefined) {
    return codeName(ConnectError.from(error, Code.Internal).code);
  }
  return status === 200 ? "ok" : `http_${status}`;
}

/** Code.NotFound as Connect's JSON has it: `not_found`. */
function codeName(code: Code): string {
  return Code[code].replace(/\B[A-Z]/g, "_$&").toLowerCase();
}

/**
 * Takes note of the error that a call ends with. Connect's handlers abort their
 * signal with it before they write it, whatever the protocol; with success the
 * reason is an AbortError.
 *
 * It also corrects what Connect would trip over. A message in binary that cannot
 * be parsed is the caller's mistake, as it is in JSON, not an internal error. And
 * text that is no Unicode, quoted from such a message, cannot go into a header.
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

/** What cannot be decompressed is the caller's mistake, whatever exactly is wrong with it. */
function asInvalidArgument(compression: Compression): Compression {
  return {
    ...compression,
    decompress: async (bytes, maxBytes) => {
      try {
        return await compression.decompress(bytes, maxBytes);
      } catch (error) {
        const { code, rawMessage } = ConnectError.from(error);
        throw code === Code.ResourceExhausted
          ? error
          : new ConnectError(rawMessage, Code.InvalidArgument, undefined, [], error);
      }
    },
  };
}

/** The longest time that a timer takes, in milliseconds: a longer one would end at once. */
const maxTimerMs = 2 ** 31 - 1;

const millisecondsIn = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };

/**
 * Takes a deadline that is more than three weeks away out of the headers of
 * Connect and gRPC. The server's own limit comes long before it.
 */
function dropOversizedTimeout(header: Headers): void {
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(header.get("grpc-timeout") ?? "") ?? [];
  const grpcMs = Number(amount) * millisecondsIn[unit as keyof typeof millisecondsIn];
  if (grpcMs > maxTimerMs) {
    header.delete("grpc-timeout");
  }
  const [connectMs] = /^\d{10}$/.exec(header.get("connect-timeout-ms") ?? "") ?? [];
  if (Number(connectMs) > maxTimerMs) {
    header.delete("connect-timeout-ms");
  }
}

/** The error for a GET whose message is no base64, though it says so; Connect calls it internal. */
function malformedQuery(url: string): ConnectError | undefined {
  const [, query] = url.split("?", 2);
  const parameters = new URLSearchParams(query);
  if (parameters.get("base64") === "1") {
    try {
      base64Decode(parameters.get("message") ?? "");
    } catch (error) {
      return ConnectError.from(error, Code.InvalidArgument);
    }
  }
  return undefined;
}

/** What gRPC puts before a message: a byte of flags and four of length. */
const envelopeBytes = 5;

const protocolOf = memoize(
  (contentType: string | undefined): string =>
    /^application\/(grpc-web|grpc)\b/i.exec(contentType ?? "")?.[1]?.toLowerCase() ?? "connect",
);

/** The body of a request, read once somebody asks for it. */
async function* singleChunk(
  read: () => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield await read();
}
