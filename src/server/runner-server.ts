import {
  Code,
  ConnectError,
  type ConnectRouter,
  cors as connectCors,
  type Interceptor,
} from "@connectrpc/connect";
import { type Logger, pino } from "pino";
import type { Registry } from "prom-client";
import { maxTimerMs, numberOption } from "../runner/option.ts";
import type { RunnerStore } from "../store/runner-store.ts";
import type { TokenVerifier } from "./authentication.ts";
import { parseBearerToken } from "./bearer-token.ts";
import { createConnectHandler } from "./connect-handler.ts";
import { createFastPath } from "./fast-path.ts";
import { createCors, isOrigin } from "./http/cors.ts";
import type { Exchange, NodeResponse, RequestHead } from "./http/exchange.ts";
import { createHostParser, isLoopback, parseListenHost } from "./http/host.ts";
import type { ServerLimits } from "./http/limits.ts";
import { createListener, type ListenerOptions } from "./http/listener.ts";
import { memoize } from "./http/memoize.ts";
import type { RejectionReason } from "./http/rejection.ts";
import { pathOf } from "./http/request-target.ts";
import { listenError } from "./listen-error.ts";
import { createCallObserver } from "./observability/call-observer.ts";
import { warnOfLogFailure } from "./observability/log-failure.ts";
import { createServerMetrics } from "./observability/metrics.ts";
import { createRejectionObserver } from "./observability/rejection-observer.ts";
import { requestIdHeader } from "./observability/request-id.ts";
import { parsePathPrefix } from "./path-prefix.ts";
import { createRunnerRoutes } from "./runner-routes.ts";
import { readServerLimits } from "./server-limits.ts";
import { createStoreCheck } from "./store-check.ts";
import { respondUnimplemented } from "./unimplemented.ts";
import { createUnknownJsonWriter } from "./unknown-json.ts";

const loopbackOnlyMessage =
  "without tokens, the server accepts requests for loopback hosts only; call it on 127.0.0.1, " +
  "or start it with --token or --allow-unauthenticated";

/** Options of {@link createRunnerServer}. */
export interface RunnerServerOptions {
  /** Where the runners come from. */
  readonly store: RunnerStore;
  /** The address to listen on. Default: `127.0.0.1`. */
  readonly host?: string;
  /** The port to listen on; 0 chooses a free one. Default: 8080. */
  readonly port?: number;
  /** The certificate and its private key, in PEM, to serve over TLS. Default: cleartext. */
  readonly tls?: NonNullable<ListenerOptions["tls"]>;
  /** A path under which the API is served, in addition to the root; `/` for none. Default: `/api`. */
  readonly pathPrefix?: string;
  /**
   * Returns whether a bearer token is accepted; see `createTokenVerifier`.
   *
   * Default: no token is needed, but only this machine can call. The server
   * listens on loopback addresses only, and accepts requests for loopback hosts
   * only, so that no web page can reach it by DNS rebinding.
   */
  readonly verifyToken?: TokenVerifier;
  /** Accepts unauthenticated callers from anywhere. No effect with `verifyToken`. Default: false. */
  readonly allowUnauthenticated?: boolean;
  /** The origins of web pages that may call the server, `*` for all. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** Limits on what a peer may use. Default for each limit: {@link defaultLimits}. */
  readonly limits?: Partial<ServerLimits>;
  /** Logs one line per call. Default: no log. */
  readonly logger?: Logger;
  /** The registry for the metrics. Default: a new one. */
  readonly registry?: Registry;
  /** Registers more services to serve on the same port. */
  readonly routes?: (router: ConnectRouter) => void;
  /** Interceptors around all services, outermost first. They disable the fast path. Default: none. */
  readonly interceptors?: readonly Interceptor[];
}

/** A server of RunnerService. */
export interface RunnerServer {
  /**
   * Starts to listen, and resolves to the base URL for clients.
   *
   * Rejects if that fails, for example because the port is in use.
   */
  start(): Promise<string>;
  /** The base URL for clients. Undefined until the server has started. */
  readonly url: string | undefined;
  /**
   * Makes `/readyz` report 503, so that load balancers stop sending requests. The server still
   * accepts connections and calls until it is closed.
   */
  drain(): void;
  /**
   * Shuts down gracefully: `/readyz` reports 503, new connections are refused,
   * and calls in progress are finished. Connections that are still open after
   * `timeoutMs` milliseconds (default: 10 s) are destroyed.
   */
  close(options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Creates a server of RunnerService over `options.store`. Call `start` to listen.
 *
 * One port serves Connect, gRPC and gRPC-Web over HTTP/1.1 and HTTP/2, as well as
 * `/healthz`, `/readyz` and, for Prometheus, `/metrics`.
 *
 * The server handles no signals, never exits the process, and shares no state
 * with other servers in the same process.
 *
 * Throws an Error if `host` is not a loopback address, and there is neither
 * `verifyToken` nor `allowUnauthenticated`; or if `host`, `pathPrefix` or one of
 * `corsOrigins` is invalid. Throws a RangeError if the port or a limit is not a
 * number that it accepts.
 */
export function createRunnerServer(options: RunnerServerOptions): RunnerServer {
  const { verifyToken, allowUnauthenticated = false } = options;
  const host = parseListenHost(options.host || "127.0.0.1");
  const port = numberOption("port", options.port, 8080, { min: 0, max: 65_535, integer: true });
  const limits = readServerLimits(options.limits);
  const metrics = createServerMetrics(options.registry);
  const logger = options.logger ?? pino({ enabled: false });
  const observer = createCallObserver(logger, metrics);
  const onRejection = createRejectionObserver(logger, metrics.registry);
  const loopbackOnly = verifyToken === undefined && !allowUnauthenticated;
  if (loopbackOnly && !isLoopback(host)) {
    throw new Error(
      `refusing to accept unauthenticated callers on ${host}; set tokens (--token), ` +
        "listen on a loopback address (--host 127.0.0.1), or allow unauthenticated callers " +
        "(--allow-unauthenticated)",
    );
  }
  const { interceptors = [], corsOrigins = [] } = options;
  for (const origin of corsOrigins) {
    if (origin !== "*" && !isOrigin(origin)) {
      throw new Error(
        `${JSON.stringify(origin)} is not an origin; write it as https://app.example.com, or * for all`,
      );
    }
  }
  const unknownJson = createUnknownJsonWriter();
  const connectHandler = createConnectHandler({
    routes: (router) => {
      createRunnerRoutes({
        store: options.store,
        interceptors: [observer.interceptor, ...interceptors, unknownJson.interceptor],
      })(router);
      options.routes?.(router);
    },
    interceptors: [observer.interceptor, ...interceptors],
    authorize,
    observer,
    limits,
    jsonOptions: unknownJson.jsonOptions,
    // The fast path bypasses interceptors, which must see all calls.
    fastPath:
      interceptors.length === 0
        ? createFastPath({ store: options.store, authorize, limits })
        : undefined,
  });
  const parseHost = createHostParser();
  const cors = createCors({
    origins: corsOrigins,
    methods: connectCors.allowedMethods,
    allowedHeaders: [...connectCors.allowedHeaders, "Authorization", requestIdHeader],
    exposedHeaders: [...connectCors.exposedHeaders, requestIdHeader, "WWW-Authenticate"],
  });
  const prefix = parsePathPrefix(options.pathPrefix || "/api");
  const procedureOf = memoize((path: string) =>
    path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path,
  );
  const checkStore = createStoreCheck(options.store, logger);
  let state: "new" | "ready" | "draining" | "closing" = "new";
  let url: string | undefined;

  const listener = createListener({
    ...(options.tls !== undefined && { tls: options.tls }),
    limits,
    findCachedResponse(request) {
      const response =
        parseHost(request.authority) &&
        connectHandler.findCachedResponse(procedureOf(pathOf(request.url)), request);
      if (response === undefined) {
        return undefined;
      }
      if (!cors.isAllowed(request)) {
        reject(request, "forbidden_origin");
      }
      return { ...response, headers: [...response.headers, ...cors.headersFor(request)] };
    },
    onExchange(exchange) {
      exchange.addHeaders(cors.headersFor(exchange));
      const path = pathOf(exchange.url);
      const isPreflight = cors.isPreflight(exchange);
      if (!cors.isAllowed(exchange)) {
        reject(exchange, "forbidden_origin", isPreflight ? 204 : undefined);
      }
      if (isPreflight) {
        send(exchange.toNode().response, 204);
      } else if (parseHost(exchange.authority) === undefined) {
        reject(exchange, "invalid_host", 400);
        send(exchange.toNode().response, 400, "the Host header is missing or invalid\n");
      } else if (!connectHandler.serve(procedureOf(path), exchange)) {
        handleNonRpc(path, exchange);
      }
    },
    onRejection,
    onError,
  });

  /** Logs an error that is not the fault of a caller, and that no call reports. */
  function onError(error: unknown): void {
    try {
      logger.error({ err: error }, "unexpected error");
    } catch (logError) {
      warnOfLogFailure(logError);
    }
  }

  function reject(request: RequestHead, reason: RejectionReason, status?: number): void {
    const { method, url, authority } = request;
    const isOfHost = reason === "invalid_host" || reason === "forbidden_host";
    onRejection({
      reason,
      method,
      path: pathOf(url),
      ...(status !== undefined && { status }),
      ...(isOfHost && { host: authority }),
      ...(reason === "forbidden_origin" && { origin: request.headers.origin }),
    });
  }

  function authorize(request: RequestHead): ConnectError | undefined {
    if (verifyToken !== undefined) {
      const token = parseBearerToken(request.headers.authorization);
      // Exactly true: a function without types may return a promise, for example.
      if (token === undefined || verifyToken(token) !== true) {
        return new ConnectError(
          token === undefined ? "no bearer token" : "the token was not accepted",
          Code.Unauthenticated,
          { "WWW-Authenticate": "Bearer" },
        );
      }
    } else if (loopbackOnly && parseHost(request.authority)?.isLoopback !== true) {
      return new ConnectError(loopbackOnlyMessage, Code.PermissionDenied);
    }
    return undefined;
  }

  function handleNonRpc(path: string, exchange: Exchange): void {
    const { request, response } = exchange.toNode();
    const isProbe = path === "/healthz" || path === "/readyz" || path === "/metrics";
    if (!isProbe) {
      const isUnimplemented = respondUnimplemented(path, request, response);
      if (!isUnimplemented) {
        send(response, 404);
      }
      reject(exchange, "unknown_path", isUnimplemented ? 200 : 404);
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      reject(exchange, "wrong_method", 405);
      response.setHeader("Allow", "GET, HEAD");
      send(response, 405);
    } else if (loopbackOnly && parseHost(exchange.authority)?.isLoopback !== true) {
      reject(exchange, "forbidden_host", 403);
      send(response, 403, `${loopbackOnlyMessage}\n`);
    } else if (path === "/metrics") {
      metrics.registry.metrics().then(
        (text) => send(response, 200, text, metrics.registry.contentType),
        (error) => {
          onError(error);
          send(response, 500);
        },
      );
    } else if (path === "/healthz") {
      send(response, 200, "ok\n");
    } else if (state !== "ready") {
      send(response, 503, `${state}\n`);
    } else {
      checkStore().then(({ ready, messages }) => {
        const lines = messages.map((message) => message.replace(/\s+/g, " "));
        const text = [ready ? "ok" : "not ready", ...lines, ""].join("\n");
        send(response, ready ? 200 : 503, text);
      }, onError);
    }
  }

  return {
    async start() {
      const address = await listener.start(host, port).catch((error: NodeJS.ErrnoException) => {
        throw listenError(error, host, port);
      });
      const scheme = options.tls === undefined ? "http" : "https";
      url = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
      state = "ready";
      return url;
    },
    get url() {
      return url;
    },
    drain() {
      if (state === "ready") {
        state = "draining";
      }
    },
    async close({ timeoutMs } = {}) {
      const closeMs = numberOption("timeoutMs", timeoutMs, 10_000, { min: 0 });
      state = "closing";
      await listener.close(Math.min(closeMs, maxTimerMs));
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

function send(
  response: NodeResponse,
  status: number,
  text = "",
  contentType = "text/plain; charset=utf-8",
): void {
  response.statusCode = status;
  if (text !== "") {
    response.setHeader("Content-Type", contentType);
  }
  response.end(text);
}
