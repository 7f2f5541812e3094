/**
 * The client of RunnerService over what only Node.js has: connections that are
 * pooled and kept, HTTP/2, proxies.
 *
 * @module
 */
import { type Dispatcher, EnvHttpProxyAgent, H2CClient, Pool } from "undici";
import { liveApiUrl, parseBaseUrl } from "./base-url.ts";
import { mayUseProxy } from "./proxy.ts";
import {
  createRunnerClientOverHttp,
  type Environment,
  type RunnerClient,
  type RunnerClientOptions,
  withEnvironment,
} from "./runner-client.ts";
import { createUndiciHttpClient } from "./undici-http-client.ts";

/** Options of {@link createRunnerClient}. */
export interface NodeRunnerClientOptions extends Omit<RunnerClientOptions, "transport"> {
  /**
   * Whether to speak HTTP/2: with `https:` if the server does as well, with
   * `http:` without asking. All calls then share a connection. Default: HTTP/1.1,
   * with a connection for each call under way, which is faster.
   */
  readonly http2?: boolean | undefined;
}

/** A {@link RunnerClient} that owns connections. */
export type NodeRunnerClient = RunnerClient & {
  /**
   * Closes the connections once the calls under way are done. Calls after that
   * fail. A process can end without: connections that are not in use do not
   * hold it.
   */
  close(): Promise<void>;
};

/** How long a connection is kept that is not in use, in milliseconds, if the server does not say. */
const keepAliveTimeout = 30_000;

/**
 * Creates a client as `createRunnerClient` of `runner-service` does, with the
 * same options, for Node.js alone: it makes several times as many calls a second.
 *
 * The environment variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in
 * either case, say which proxy to use. Servers on this machine are called
 * without one.
 *
 * Answers come uncompressed, which is quickest for one runner, unless `headers`
 * say otherwise: `{ "Accept-Encoding": "gzip, br" }`.
 */
export function createRunnerClient(options: NodeRunnerClientOptions = {}): NodeRunnerClient {
  const baseUrl = parseBaseUrl(options.baseUrl ?? liveApiUrl);
  const dispatcher = createDispatcher(baseUrl, options);
  const httpClient = createUndiciHttpClient(dispatcher, baseUrl.origin);
  const client = createRunnerClientOverHttp(httpClient, options);
  return Object.assign(client, { close: () => dispatcher.close() });
}

/**
 * Creates a client as {@link createRunnerClient} does, from the variables that
 * `createRunnerClientFromEnv` of `runner-service` reads.
 */
export function createRunnerClientFromEnv(
  options: NodeRunnerClientOptions = {},
  env: Environment = process.env,
): NodeRunnerClient {
  return createRunnerClient(withEnvironment(options, env));
}

function createDispatcher(baseUrl: URL, { http2 = false }: NodeRunnerClientOptions): Dispatcher {
  // As many calls on a connection as servers commonly allow: RFC 9113, section 6.5.2.
  const options = { keepAliveTimeout, ...(http2 && { allowH2: true, pipelining: 100 }) };
  if (mayUseProxy(baseUrl)) {
    return new EnvHttpProxyAgent(options);
  }
  return http2 && baseUrl.protocol === "http:"
    ? new H2CClient(baseUrl, options)
    : new Pool(baseUrl.origin, options);
}
