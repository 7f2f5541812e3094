import { setOptions } from "../runner/option.ts";
import { parseBaseUrl } from "./base-url.ts";
import type { Environment } from "./environment.ts";
import { createPooledHttpClient } from "./pooled-http-client.ts";
import {
  createRunnerClientOverHttp,
  type RunnerClient,
  type RunnerClientOptions,
  withEnvironment,
} from "./runner-client.ts";

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
  const { baseUrl, http2 } = setOptions(options);
  const { httpClient, close } = createPooledHttpClient(parseBaseUrl(baseUrl), http2);
  const client = createRunnerClientOverHttp(httpClient, options);
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
