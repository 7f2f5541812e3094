import { type Dispatcher, EnvHttpProxyAgent, H2CClient, Pool } from "undici";
import { liveApiUrl, parseBaseUrl } from "./base-url.ts";
import type { Environment } from "./environment.ts";
import { mayUseProxy } from "./proxy.ts";
import {
  createRunnerClientOverHttp,
  type RunnerClient,
  type RunnerClientOptions,
  withEnvironment,
} from "./runner-client.ts";
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
 * The environment variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in upper or lower case,
 * select the proxy. Servers on this machine are called without a proxy.
 *
 * The client does not request compression, because a single runner is received fastest without it.
 * Set `headers` to `{ "Accept-Encoding": "gzip, br" }` to request it.
 *
 * Throws an Error if the base URL is invalid, or if the token is invalid or would be sent
 * unencrypted to another machine (see `allowCleartextToken`).
 */
export function createRunnerClient(options: NodeRunnerClientOptions = {}): NodeRunnerClient {
  const baseUrl = parseBaseUrl(options.baseUrl ?? liveApiUrl);
  const dispatcher = createDispatcher(baseUrl, options);
  const httpClient = createUndiciHttpClient(dispatcher, baseUrl.origin);
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

function createDispatcher(baseUrl: URL, { http2 = false }: NodeRunnerClientOptions): Dispatcher {
  // `pipelining` limits the concurrent streams: 100 is the minimum that RFC 9113, section 6.5.2,
  // recommends that servers allow.
  const options = { keepAliveTimeout, ...(http2 && { allowH2: true, pipelining: 100 }) };
  if (mayUseProxy(baseUrl)) {
    return new EnvHttpProxyAgent(options);
  }
  return http2 && baseUrl.protocol === "http:"
    ? new H2CClient(baseUrl, options)
    : new Pool(baseUrl.origin, options);
}
