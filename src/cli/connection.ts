import { isUnencrypted, parseBaseUrl } from "../client/base-url.ts";
import { environmentVariables, findVariable, flagFromVariable } from "../client/environment.ts";
import type { HttpClient } from "../client/http-client.ts";
import { createNodeHttpClient } from "../client/node-http-client.ts";
import { findProxy } from "../client/proxy.ts";
import { readOptionFile } from "./option-file.ts";
import { UsageError } from "./usage-error.ts";

/** The options for the server to call and the token to send. */
export interface ConnectionOptions {
  readonly baseUrl?: string;
  readonly tokenFile?: string;
  readonly allowCleartextToken?: boolean;
  /** Whether to print HTTP requests and responses on standard error. */
  readonly verbose?: boolean;
}

/** The server to call, and the token to send. */
export interface Connection {
  readonly baseUrl: URL;
  /** Undefined if calls are not authenticated. */
  readonly token: Token | undefined;
}

/** A bearer token, and where it comes from: a variable of the environment or a file. */
export interface Token {
  readonly value: string;
  readonly variable?: string;
  readonly file?: string;
}

/**
 * Returns the connection that the options of a command describe. The environment provides what
 * the options do not.
 *
 * Throws a UsageError that names the option or variable if the token file is empty or unreadable,
 * if the base URL is invalid, or if the token would be sent there unencrypted.
 */
export function resolveConnection(options: ConnectionOptions): Connection {
  const baseUrl = resolveBaseUrl(options);
  const token = resolveToken(options);
  if (token !== undefined && isUnencrypted(baseUrl) && !mayUseCleartext(options)) {
    throw new UsageError(
      `the token would be sent unencrypted to ${baseUrl.host}; use https:, or allow it with ` +
        `--allow-cleartext-token or ${environmentVariables.allowCleartextToken}=true`,
    );
  }
  return { baseUrl, token };
}

/** Creates the HTTP client for a connection. With `verbose`, it prints what it sends and receives. */
export async function createHttpClient(
  { baseUrl }: Connection,
  { verbose = false }: ConnectionOptions,
): Promise<HttpClient> {
  // Only undici supports proxies, but loading it takes longer than a call.
  const proxy = asUsageError(() => findProxy(baseUrl));
  const httpClient =
    proxy === undefined
      ? createNodeHttpClient(baseUrl.protocol)
      : (await import("../client/pooled-http-client.ts")).createPooledHttpClient(baseUrl)
          .httpClient;
  return verbose ? (await import("./output/http-log.ts")).withHttpLog(httpClient) : httpClient;
}

function resolveBaseUrl({ baseUrl }: ConnectionOptions): URL {
  const variable = findVariable(environmentVariables.baseUrl, process.env);
  return asUsageError(() =>
    baseUrl === undefined
      ? parseBaseUrl(variable?.value, variable?.name)
      : parseBaseUrl(baseUrl, "--base-url"),
  );
}

function resolveToken({ tokenFile }: ConnectionOptions): Token | undefined {
  if (tokenFile !== undefined) {
    return { value: readToken(tokenFile), file: tokenFile };
  }
  const variable = findVariable(environmentVariables.token, process.env);
  return variable && { value: variable.value, variable: variable.name };
}

function mayUseCleartext({ allowCleartextToken }: ConnectionOptions): boolean {
  const fromEnv = () => flagFromVariable(environmentVariables.allowCleartextToken, process.env);
  return allowCleartextToken ?? asUsageError(fromEnv) ?? false;
}

/** Returns what `resolve` returns, and throws its errors as UsageErrors. */
function asUsageError<Value>(resolve: () => Value): Value {
  try {
    return resolve();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readToken(file: string): string {
  const token = readOptionFile("--token-file", file).trim();
  if (token === "") {
    throw new UsageError(`the file ${file} of --token-file is empty`);
  }
  return token;
}
