import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { isLoopback, liveApiUrl, parseBaseUrl } from "./base-url.ts";
import { type TokenSource, withBearerToken } from "./bearer-token.ts";
import { createConnectCall } from "./connect-call.ts";
import { fetchHttpClient } from "./fetch-http-client.ts";
import type { HttpClient } from "./http-client.ts";
import { type RetryOptions, withRetries } from "./retry.ts";
import { createUnaryTransport, timeoutHeader, type UnaryCall } from "./unary-transport.ts";

/** Options of {@link createRunnerClient}. */
export interface RunnerClientOptions {
  /**
   * The URL below which the API is served. In a browser it may be relative.
   * Default: `https://app.ona.com/api`, the live API.
   */
  readonly baseUrl?: string | undefined;
  /**
   * The token to authenticate with, or a function that gives it: see
   * {@link TokenSource}. Default: none is sent.
   */
  readonly token?: string | TokenSource | undefined;
  /**
   * Whether a token may travel unencrypted, over `http:`, to another machine.
   * Default: no, and to create a client that would do it throws an Error.
   */
  readonly allowCleartextToken?: boolean | undefined;
  /**
   * How long a call may take, all its attempts together, in milliseconds. A call
   * can have its own (`timeoutMs` of Connect's CallOptions). Default: no limit.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How calls that fail for a passing reason are attempted again, or `false` for
   * never. Default: up to 4 attempts, see {@link RetryOptions}.
   */
  readonly retry?: RetryOptions | false | undefined;
  /** Headers of each call. A call's own replace them. Default: none. */
  readonly headers?: HeadersInit | undefined;
  /**
   * Interceptors around each call, outermost first. They see a call once, with
   * all its attempts, and not its token. Default: none.
   */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /**
   * Carries the calls in place of the client's own transport: any of Connect's,
   * for gRPC or in memory. Where it sends to, and how, is then its own affair:
   * `baseUrl`, `useBinaryFormat`, `useHttpGet` and `allowCleartextToken` do nothing.
   */
  readonly transport?: Transport | undefined;
  /** Whether messages are binary on the wire. Default: JSON. */
  readonly useBinaryFormat?: boolean | undefined;
  /** Whether calls are made by HTTP GET, so that caches may answer them. Default: by POST. */
  readonly useHttpGet?: boolean | undefined;
}

/** A client of RunnerService: Connect's own, so all that Connect says of clients holds for it. */
export type RunnerClient = Client<typeof RunnerService>;

/**
 * Creates a client that speaks the Connect protocol over the platform's own
 * fetch. It runs in Node.js, browsers and edge runtimes.
 *
 * Its methods throw a ConnectError when a call fails. Redirects are not
 * followed, they are errors.
 *
 * Throws an Error when the base URL is none, or when the token cannot be sent
 * there.
 */
export function createRunnerClient(options: RunnerClientOptions = {}): RunnerClient {
  return createRunnerClientOverHttp(fetchHttpClient, options);
}

/**
 * Creates a client as {@link createRunnerClient} does, for what the environment
 * says: the token is in `ONA_API_KEY` or, if that is not set, `GITPOD_API_KEY`;
 * the base URL in `ONA_BASE_URL` or `GITPOD_BASE_URL`. A variable that is empty
 * counts as not set. Options come before variables. Without a token none is
 * sent: a server on one's own machine wants none.
 */
export function createRunnerClientFromEnv(
  options: RunnerClientOptions = {},
  env: Environment | undefined = globalThis.process?.env,
): RunnerClient {
  return createRunnerClient(withEnvironment(options, env));
}

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The options, and what the environment says where they say nothing. */
export function withEnvironment<Options extends RunnerClientOptions>(
  options: Options,
  env: Environment = {},
): Options {
  return {
    ...options,
    token: options.token ?? (env.ONA_API_KEY || env.GITPOD_API_KEY || undefined),
    baseUrl: options.baseUrl ?? (env.ONA_BASE_URL || env.GITPOD_BASE_URL || undefined),
  };
}

/** Creates a client as {@link createRunnerClient} does, but over any HTTP client. */
export function createRunnerClientOverHttp(
  httpClient: HttpClient,
  options: RunnerClientOptions,
): RunnerClient {
  const { token, transport, retry, headers, interceptors, timeoutMs } = options;
  const baseUrl = parseBaseUrl(options.baseUrl ?? liveApiUrl);
  if (transport === undefined && !options.allowCleartextToken) {
    assertTokenIsSafe(options, baseUrl);
  }
  let call =
    transport === undefined ? createConnectCall(httpClient, options) : callThrough(transport);
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
      timeoutMs,
    }),
  );
}

function assertTokenIsSafe({ token, headers }: RunnerClientOptions, baseUrl: URL): void {
  if (baseUrl.protocol !== "http:" || isLoopback(baseUrl)) {
    return;
  }
  if (token !== undefined || new Headers(headers).has("Authorization")) {
    throw new Error(
      `the token would travel unencrypted to ${baseUrl.host}: use https:, or set allowCleartextToken`,
    );
  }
}

/** Makes calls through a transport, which wants the time limit apart from the headers. */
function callThrough(transport: Transport): UnaryCall {
  return ({ method, signal, header, message, contextValues }) => {
    const ownHeader = new Headers([...header]);
    ownHeader.delete(timeoutHeader);
    // Without a limit, 0 keeps the transport from having one of its own.
    const timeoutMs = Number(header.get(timeoutHeader) ?? 0);
    return transport.unary(method, signal, timeoutMs, ownHeader, message, contextValues);
  };
}
