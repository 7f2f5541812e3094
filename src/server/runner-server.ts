import {
  Code,
  ConnectError,
  type ConnectRouter,
  cors as connectCors,
  type Interceptor,
} from "@connectrpc/connect";
import { type Logger, pino } from "pino";
import type { Registry } from "prom-client";
import type { RunnerStore } from "../store/runner-store.ts";
import { bearerToken, type TokenVerifier } from "./authentication.ts";
import { createConnectHandler } from "./connect-handler.ts";
import { createFastPath } from "./fast-path.ts";
import { createCors } from "./http/cors.ts";
import type { Exchange, NodeResponse, RequestHead } from "./http/exchange.ts";
import { createHostParser, isLoopback } from "./http/host.ts";
import { defaultLimits, type ServerLimits } from "./http/limits.ts";
import { createListener, type ListenerOptions } from "./http/listener.ts";
import { memoize } from "./http/memoize.ts";
import { createCallObserver } from "./observability/call-observer.ts";
import { createServerMetrics } from "./observability/metrics.ts";
import { requestIdHeader } from "./observability/request-id.ts";
import { createRunnerRoutes } from "./runner-routes.ts";

/** Options of {@link createRunnerServer}. */
export interface RunnerServerOptions {
  /** Where the runners come from. */
  readonly store: RunnerStore;
  /** The address to listen on. Default: `127.0.0.1`. */
  readonly host?: string;
  /** The port to listen on; 0 takes one that is free. Default: 8080. */
  readonly port?: number;
  /** A certificate and its private key, in PEM, to serve over TLS. Default: cleartext. */
  readonly tls?: NonNullable<ListenerOptions["tls"]>;
  /** The path below which the API is served, besides the root. Default: `/api`. */
  readonly pathPrefix?: string;
  /**
   * Knows the bearer tokens that are let in; see `createTokenVerifier`.
   *
   * Default: everybody is let in, but only from this machine: the server listens
   * on nothing but loopback addresses, and answers requests for nothing but
   * loopback names, so that no web page can reach it by DNS rebinding.
   */
  readonly verifyToken?: TokenVerifier;
  /** Lets everybody in from everywhere, if there is no `verifyToken`. Default: false. */
  readonly allowUnauthenticated?: boolean;
  /** The origins of web pages that may call the server, `*` for all. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** What to take from a peer. Default: {@link defaultLimits}, for each that is not given. */
  readonly limits?: Partial<ServerLimits>;
  /** Where the log goes, one line a call. Default: nowhere. */
  readonly logger?: Logger;
  /** Where to put the metrics. Default: a registry of the server's own. */
  readonly registry?: Registry;
  /** Further services to serve on the same port. */
  readonly routes?: (router: ConnectRouter) => void;
  /** Interceptors around all services, outermost first. */
  readonly interceptors?: readonly Interceptor[];
}

/** A server of RunnerService. */
export interface RunnerServer {
  /**
   * Starts to listen, and returns the base URL that clients need.
   *
   * Rejects when that is not possible, as when the port is taken.
   */
  start(): Promise<string>;
  /** The base URL that clients need, once the server has started. */
  readonly url: string | undefined;
  /**
   * Ends the server: `/readyz` says so, no more connections are taken, the calls
   * under way are finished, and then all is closed. What is not finished after
   * `timeoutMs` milliseconds (default: 10 s) is cut off.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/**
 * Creates a server of RunnerService over `options.store`. It listens once it is
 * started.
 *
 * On one port it speaks Connect, gRPC and gRPC-Web over HTTP/1.1 and HTTP/2, and
 * answers `/healthz`, `/readyz` and, for Prometheus, `/metrics`.
 *
 * It handles no signals, never ends the process, and shares nothing with other
 * servers in the same process.
 *
 * Throws an Error when the options contradict each other: an address that others
 * can reach needs tokens.
 */
export function createRunnerServer(options: RunnerServerOptions): RunnerServer {
  const { host = "127.0.0.1", port = 8080, verifyToken, allowUnauthenticated = false } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const metrics = createServerMetrics(options.registry);
  const observer = createCallObserver(options.logger ?? pino({ enabled: false }), metrics);
  const loopbackOnly = verifyToken === undefined && !allowUnauthenticated;
  if (loopbackOnly && !isLoopback(host)) {
    throw new Error(
      `refusing to accept unauthenticated callers on ${host}; set tokens (--token), ` +
        "listen on a loopback address (--host 127.0.0.1), or allow unauthenticated callers " +
        "(--allow-unauthenticated)",
    );
  }
  const { interceptors = [] } = options;
  const connectHandler = createConnectHandler({
    routes: (router) => {
      createRunnerRoutes({
        store: options.store,
        interceptors: [observer.interceptor, ...interceptors],
      })(router);
      options.routes?.(router);
    },
    interceptors: [observer.interceptor, ...interceptors],
    refuse,
    observer,
    limits,
    // Interceptors want to see all calls, and the short path shows them none.
    fastPath:
      interceptors.length === 0
        ? createFastPath({ store: options.store, refuse, limits })
        : undefined,
  });
  const hostOf = createHostParser();
  const cors = createCors({
    origins: options.corsOrigins ?? [],
    methods: connectCors.allowedMethods,
    allowedHeaders: [...connectCors.allowedHeaders, "Authorization", requestIdHeader],
    exposedHeaders: [...connectCors.exposedHeaders, requestIdHeader, "WWW-Authenticate"],
  });
  const prefix = normalizePrefix(options.pathPrefix ?? "/api");
  const procedureOf = memoize((path: string) =>
    path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path,
  );
  let state: "new" | "ready" | "closing" = "new";
  let url: string | undefined;

  const listener = createListener({
    ...(options.tls !== undefined && { tls: options.tls }),
    limits,
    findCachedResponse(request) {
      const found =
        hostOf(request.authority) && connectHandler.find(procedureOf(pathOf(request.url)), request);
      return found && { ...found, headers: [...found.headers, ...cors.headersFor(request)] };
    },
    onExchange(exchange) {
      exchange.addHeaders(cors.headersFor(exchange));
      const path = pathOf(exchange.url);
      if (cors.isPreflight(exchange)) {
        answer(exchange.toNode().response, 204);
      } else if (hostOf(exchange.authority) === undefined) {
        answer(exchange.toNode().response, 400, "the Host header is missing or invalid\n");
      } else if (!connectHandler.serve(procedureOf(path), exchange)) {
        handleNonRpc(path, exchange);
      }
    },
  });

  function refuse(request: RequestHead): ConnectError | undefined {
    if (verifyToken !== undefined) {
      const token = bearerToken(request.headers.authorization);
      if (token === undefined || !verifyToken(token)) {
        return new ConnectError(
          token === undefined ? "no bearer token" : "the token was not accepted",
          Code.Unauthenticated,
          { "WWW-Authenticate": "Bearer" },
        );
      }
    } else if (loopbackOnly && hostOf(request.authority)?.isLoopback !== true) {
      return new ConnectError(
        "without tokens, the server accepts requests for loopback hosts only",
        Code.PermissionDenied,
      );
    }
    return undefined;
  }

  function handleNonRpc(path: string, exchange: Exchange): void {
    const { request, response } = exchange.toNode();
    const isProbe = path === "/healthz" || path === "/readyz" || path === "/metrics";
    if (!isProbe) {
      answer(response, 404);
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      answer(response, 405);
    } else if (loopbackOnly && hostOf(exchange.authority)?.isLoopback !== true) {
      answer(
        response,
        403,
        "without tokens, the server accepts requests for loopback hosts only\n",
      );
    } else if (path === "/metrics") {
      metrics.registry.metrics().then(
        (text) => answer(response, 200, text, metrics.registry.contentType),
        () => answer(response, 500),
      );
    } else if (path === "/readyz" && state !== "ready") {
      answer(response, 503, "closing\n");
    } else {
      answer(response, 200, "ok\n");
    }
  }

  return {
    async start() {
      const address = await listener.start(host, port).catch((error: NodeJS.ErrnoException) => {
        throw error.code === "EADDRINUSE"
          ? new Error(`port ${port} on ${host} is in use; choose another with --port`, {
              cause: error,
            })
          : error;
      });
      const scheme = options.tls === undefined ? "http" : "https";
      url = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
      state = "ready";
      return url;
    },
    get url() {
      return url;
    },
    close({ timeoutMs = 10_000 } = {}) {
      state = "closing";
      return listener.close(timeoutMs);
    },
  };
}

/** The path of a URL that has no host, without its query. */
function pathOf(url: string): string {
  const queryAt = url.indexOf("?");
  return queryAt === -1 ? url : url.slice(0, queryAt);
}

/** A prefix with one slash at its start and none at its end, or nothing. */
function normalizePrefix(prefix: string): string {
  return prefix.replace(/^\/*/, "/").replace(/\/+$/, "");
}

function answer(
  response: NodeResponse,
  status: number,
  text = "",
  contentType = "text/plain",
): void {
  response.statusCode = status;
  if (text !== "") {
    response.setHeader("Content-Type", contentType);
  }
  response.end(text);
}
