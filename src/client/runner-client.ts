import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { numberOption, setOptions } from "../runner/option.ts";
import { isUnencrypted, parseBaseUrl } from "./base-url.ts";
import { type TokenSource, withBearerToken } from "./bearer-token.ts";
import { toHeaders } from "./call-header.ts";
import { createConnectCall } from "./connect-call.ts";
import {
  type Environment,
  findVariable,
  flagFromVariable,
  environmentVariables as variables,
} from "./environment.ts";
import { fetchHttpClient } from "./fetch-http-client.ts";
import type { HttpClient } from "./http-client.ts";
import { type RetryOptions, withRetries } from "./retry.ts";
import {
  createUnaryTransport,
  getTimeout,
  timeoutHeader,
  type UnaryCall,
} from "./unary-transport.ts";

/**
 * Options of {@link createRunnerClient}. An option that is undefined or an empty string is not set.
 */
export interface RunnerClientOptions {
  /**
   * The base URL of the API. In a browser it may be relative to the page. Default:
   * `https://app.ona.com/api`, the live API.
   */
  readonly baseUrl?: string | undefined;
  /**
   * The bearer token, or a function that returns it (see {@link TokenSource}). Default: calls are
   * not authenticated.
   */
  readonly token?: string | TokenSource | undefined;
  /**
   * Whether a token, or an `Authorization` header in `headers`, may be sent unencrypted over `http:`
   * to another machine. Default: false: creating a client that would do so throws an Error.
   */
  readonly allowCleartextToken?: boolean | undefined;
  /**
   * The timeout of a call including its retries, in milliseconds; 0 or Infinity for no timeout. The
   * `timeoutMs` of a call (in Connect's CallOptions) takes precedence. Default: no timeout.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How calls are retried after transient errors, or `false` to disable retries. Default: up to 4
   * attempts with exponential backoff, see {@link RetryOptions}.
   */
  readonly retry?: RetryOptions | false | undefined;
  /** Headers to send with each call. The headers of a call take precedence. Default: none. */
  readonly headers?: HeadersInit | undefined;
  /**
   * Interceptors for each call, outermost first. They see a call once, including all its attempts,
   * and never see its token. Default: none.
   */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /**
   * A Connect transport to use instead of the client's own, for example for gRPC or in-memory
   * calls. The options `baseUrl`, `useBinaryFormat`, `useHttpGet` and `allowCleartextToken` then
   * have no effect. Default: the client's own transport.
   */
  readonly transport?: Transport | undefined;
  /** Whether to use binary messages instead of JSON. Default: false. */
  readonly useBinaryFormat?: boolean | undefined;
  /** Whether to use HTTP GET instead of POST, so that responses can be cached. Default: false. */
  readonly useHttpGet?: boolean | undefined;
}

/** A RunnerService client. It is a regular Connect client. */
export type RunnerClient = Client<typeof RunnerService>;

/**
 * Creates a client that uses the Connect protocol over the platform's `fetch`. It runs in Node.js,
 * browsers and edge runtimes.
 *
 * If a call fails, its method rejects with a ConnectError. Redirects are not followed: they are
 * errors.
 *
 * Throws an Error if the base URL or a header is invalid, or if the token is invalid or would be
 * sent unencrypted to another machine (see `allowCleartextToken`), and a RangeError if an option
 * does not accept its number.
 */
export function createRunnerClient(options: RunnerClientOptions = {}): RunnerClient {
  return createRunnerClientOverHttp(fetchHttpClient, options);
}

/**
 * Creates a client like {@link createRunnerClient}, configured by environment variables: the token
 * in `ONA_API_KEY` or, if that is not set, `GITPOD_API_KEY`; the base URL in `ONA_BASE_URL` or
 * `GITPOD_BASE_URL`; `allowCleartextToken` in `ONA_ALLOW_CLEARTEXT_TOKEN` (`true` or `false`).
 * Options take precedence over variables. Empty ones count as not set.
 *
 * Without a token, calls are not authenticated, which suits a server on your own machine.
 */
export function createRunnerClientFromEnv(
  options: RunnerClientOptions = {},
  env: Environment | undefined = globalThis.process?.env,
): RunnerClient {
  return createRunnerClient(withEnvironment(options, env));
}

/** Returns the options with unset ones filled in from environment variables. */
export function withEnvironment<Options extends RunnerClientOptions>(
  options: Options,
  env: Environment = {},
): Options {
  const set = setOptions(options);
  return {
    ...set,
    token: set.token ?? findVariable(variables.token, env)?.value,
    baseUrl: set.baseUrl ?? findVariable(variables.baseUrl, env)?.value,
    allowCleartextToken:
      set.allowCleartextToken ?? flagFromVariable(variables.allowCleartextToken, env),
  };
}

/** Creates a client like {@link createRunnerClient}, but over the given HTTP client. */
export function createRunnerClientOverHttp(
  httpClient: HttpClient,
  givenOptions: RunnerClientOptions,
): RunnerClient {
  const options = setOptions(givenOptions);
  const { token, transport, retry, interceptors } = options;
  const baseUrl = parseBaseUrl(options.baseUrl);
  const headers = options.headers && toHeaders(options.headers);
  if (transport === undefined && !options.allowCleartextToken) {
    assertTokenIsSafe(token, headers, baseUrl);
  }
  let call =
    transport === undefined
      ? createConnectCall(httpClient, options)
      : createTransportCall(transport);
  if (token !== undefined) {
    call = withBearerToken(call, token);
  }
  if (retry !== false) {
    call = withRetries(call, retry);
  }
  return createClient(
    RunnerService,
    createUnaryTransport({
      call,
      baseUrl: baseUrl.href.replace(/\/$/, ""),
      headers,
      interceptors,
      timeoutMs: numberOption("timeoutMs", options.timeoutMs, 0, { min: 0 }),
      ...(transport === undefined && { origin: baseUrl.origin }),
    }),
  );
}

function assertTokenIsSafe(
  token: string | TokenSource | undefined,
  headers: Headers | undefined,
  baseUrl: URL,
): void {
  if (isUnencrypted(baseUrl) && (token !== undefined || headers?.has("Authorization"))) {
    throw new Error(
      `the token would be sent unencrypted to ${baseUrl.host}; use https: or set allowCleartextToken`,
    );
  }
}

/** Makes calls with a transport, which takes the timeout as a parameter instead of a header. */
function createTransportCall(transport: Transport): UnaryCall {
  return ({ method, signal, header, message, contextValues }) => {
    const transportHeader = new Headers([...header]);
    transportHeader.delete(timeoutHeader);
    const timeoutMs = getTimeout(header);
    return transport.unary(
      method,
      signal,
      // 0 disables the transport's default timeout.
      timeoutMs === Number.POSITIVE_INFINITY ? 0 : timeoutMs,
      transportHeader,
      message,
      contextValues,
    );
  };
}
