import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { type Call, callKey } from "./call.ts";
import type { CallObserver } from "./call-observer.ts";
import type { ServerLimits } from "./limits.ts";
import type { NodeRequest, NodeResponse } from "./listener.ts";
import { readBody } from "./request-body.ts";
import { requestIdHeader, requestIdOf } from "./request-id.ts";
import { responseCode } from "./response-code.ts";

/** Options of {@link createConnectHandler}. */
export interface ConnectHandlerOptions {
  /** The services to serve, and the interceptors around them, outermost first. */
  readonly routes: (router: ConnectRouter) => void;
  readonly interceptors: readonly Interceptor[];
  /** Tells why a request is not let in, if it is not. Asked before its body is read. */
  readonly refuse: (request: NodeRequest) => ConnectError | undefined;
  /** Told of every call. */
  readonly observer: CallObserver;
  readonly limits: ServerLimits;
}

/** Serves a request, if it is for a method it knows, and says whether it is. */
export type ConnectHandler = (
  path: string,
  request: NodeRequest,
  response: NodeResponse,
) => boolean;

/** Where the gate of Connect's handlers finds why a request is not let in. */
const refusalKey = createContextKey<ConnectError | undefined>(undefined);

/**
 * Creates a handler that leads requests to Connect's own handlers, which speak
 * the protocols and write all errors. What it adds is around them: request ids,
 * limits on time, and what the log and the metrics need to know.
 */
export function createConnectHandler(options: ConnectHandlerOptions): ConnectHandler {
  const { limits, observer, refuse } = options;
  const router = createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: limits.maxBodyBytes,
    interceptors: [...options.interceptors],
    requestGate: (context) => {
      const refusal = context.values.get(refusalKey);
      if (refusal !== undefined) {
        throw refusal;
      }
    },
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return (path, request, response) => {
    const handler = handlers.get(path);
    if (handler === undefined) {
      return false;
    }
    const call: Call = {
      requestId: requestIdOf(request.headers[requestIdHeader]),
      protocol: protocolOf(request.headers["content-type"]),
      method: handler.method.name,
    };
    response.setHeader(requestIdHeader, call.requestId);
    const end = observer.begin(call);
    const closed = new Promise<void>((resolve) => response.once("close", resolve));
    serve(handler, call, request, response, closed).then(
      async (code) => {
        await closed;
        end(code);
      },
      (error: unknown) => {
        call.error ??= error;
        if (response.headersSent) {
          response.destroy();
        } else {
          response.statusCode = 500;
          response.end();
        }
        end("internal");
      },
    );
    return true;
  };

  /** Answers a call, and returns the code it ended with. */
  async function serve(
    handler: UniversalHandler,
    call: Call,
    request: NodeRequest,
    response: NodeResponse,
    closed: Promise<void>,
  ): Promise<string> {
    const refusal = refuse(request);
    const contextValues = createContextValues().set(callKey, call).set(refusalKey, refusal);
    const fromNode = universalRequestFromNodeRequest(request, response, undefined, contextValues);
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(new ConnectError("the call took too long", Code.DeadlineExceeded)),
      limits.requestTimeoutMs,
    );
    const signal = AbortSignal.any([fromNode.signal, timeout.signal]);
    // A stream is read as it comes; a single message is read at once, within
    // limits that a stream cannot have.
    const body =
      handler.method.methodKind === "unary" && refusal === undefined
        ? only(readBody(request, limits.maxBodyBytes + envelopeBytes, signal))
        : fromNode.body;
    const universal = await handler({ ...fromNode, signal, body });
    let lastChunk: Uint8Array | undefined;
    if (universal.body !== undefined) {
      universal.body = withEach(universal.body, (chunk) => {
        lastChunk = chunk;
      });
    }
    const answered = universalResponseToNodeResponse(universal, response);
    // It never resolves over HTTP/1.1, and it rejects when the caller is gone.
    await Promise.race([answered.catch(() => undefined), closed]);
    await closed;
    clearTimeout(timer);
    return responseCode(call, universal, lastChunk);
  }
}

/** What gRPC puts before a message: a byte of flags and four of length. */
const envelopeBytes = 5;

function protocolOf(contentType: string | undefined): string {
  const [, protocol = "connect"] = /^application\/(grpc-web|grpc)\b/i.exec(contentType ?? "") ?? [];
  return protocol.toLowerCase();
}

async function* only<T>(item: Promise<T>): AsyncIterable<T> {
  yield await item;
}

async function* withEach<T>(items: AsyncIterable<T>, see: (item: T) => void): AsyncIterable<T> {
  for await (const item of items) {
    see(item);
    yield item;
  }
}
