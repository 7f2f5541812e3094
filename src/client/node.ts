import { type Dispatcher, H2CClient, Pool } from "undici";
import { setOptions } from "../runner/option.ts";
import { parseBaseUrl } from "./base-url.ts";
import type { HttpClient } from "./http-client.ts";
import { findProxy } from "./proxy.ts";
import {
  createRunnerClientOverHttp,
  type Environment,
  type RunnerClient,
  type RunnerClientOptions,
  withEnvironment,
} from "./runner-client.ts";
import { createTunnel } from "./tunnel.ts";
import { createUndiciHttpClient } from "./undici-http-client.ts";

/** Options of {@link createRunnerClient}. */
export interface NodeRunnerClientOptions extends Omit<RunnerClientOptions, "transport"> {
  /**
   * Whether to use HTTP/2. All calls then share a connection. With `https:`, HTTP/2 is negotiated
   * with the server (ALPN); with `http:`, the server must support it without negotiation (prior
   * knowledge). Default: false, which uses HTTP/1.1 with a connection per concurrent call and is
   * faster.
   */
  readonly http2?: boolean | undefined;
}

/** A {@link RunnerClient} that owns a connection pool. */
export type NodeRunnerClient = RunnerClient & {
  /**
   * Closes the connections after all pending calls have completed. Later calls fail with the code
   * `failed_precondition`. Calling it is optional: idle connections do not keep the process alive.
   */
  close(): Promise<void>;
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
};

/** The keep-alive timeout of idle connections, in milliseconds, unless the server sends its own. */
const keepAliveTimeout = 30_000;

/**
 * Creates a client with the same options as `createRunnerClient` of `runner-service`, except
 * `transport`. It runs only in Node.js and makes several times as many calls per second.
 *
 * The environment variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or
 * lower case, select the proxy, when the client is created. Servers on this machine are called
 * without a proxy.
 *
 * The client does not request compression, because a single runner is received fastest without it.
 * Set `headers` to `{ "Accept-Encoding": "gzip, br" }` to request it.
 *
 * Throws an Error for the same reasons as `createRunnerClient` of `runner-service`, and if the
 * variable for the proxy is invalid.
 */
export function createRunnerClient(options: NodeRunnerClientOptions = {}): NodeRunnerClient {
  const { baseUrl, http2 = false } = setOptions(options);
  const { dispatcher, httpClient } = createHttpClient(parseBaseUrl(baseUrl), http2);
  const client = createRunnerClientOverHttp(httpClient, options);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= dispatcher.close();
    return closed;
  };
  return Object.assign(client, { close, [Symbol.asyncDispose]: close });
}

/**
 * Creates a client like {@link createRunnerClient}, configured by the same environment variables as
 * `createRunnerClientFromEnv` of `runner-service`.
 */
export function createRunnerClientFromEnv(
  options: NodeRunnerClientOptions = {},
  env: Environment = process.env,
): NodeRunnerClient {
  return createRunnerClient(withEnvironment(options, env));
}

function createHttpClient(
  baseUrl: URL,
  http2: boolean,
): { readonly dispatcher: Dispatcher; readonly httpClient: HttpClient } {
  const { origin, protocol } = baseUrl;
  const proxy = findProxy(baseUrl);
  // Use a tunnel only if it is needed: many proxies allow tunnels to port 443 only. It is needed for
  // a proxy over TLS, because undici would expect the certificate of the server from it.
  const isForwarded = protocol === "http:" && !http2 && proxy?.url.startsWith("http:") === true;
  const options = {
    keepAliveTimeout,
    // `pipelining` limits the concurrent streams: 100 is the minimum that RFC 9113, section 6.5.2,
    // recommends that servers allow.
    ...(http2 && { allowH2: true, pipelining: 100 }),
    ...(proxy && !isForwarded && { connect: createTunnel(proxy, baseUrl, http2) }),
  };
  const dispatcher =
    http2 && protocol === "http:"
      ? new H2CClient(origin, options)
      : new Pool(isForwarded && proxy ? proxy.url : origin, options);
  return {
    dispatcher,
    httpClient: createUndiciHttpClient(dispatcher, origin, proxy && { proxy, isForwarded }),
  };
}
