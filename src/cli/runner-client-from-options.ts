import { ConnectError } from "@connectrpc/connect";
import type { HttpClient } from "../client/http-client.ts";
import {
  createRunnerClientOverHttp,
  type RunnerClient,
  type RunnerClientOptions,
} from "../client/runner-client.ts";
import {
  type Connection,
  type ConnectionOptions,
  createHttpClient,
  resolveConnection,
} from "./connection.ts";
import { type ConcurrencyOptions, limitConcurrency } from "./limit-concurrency.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Creates a client from the options of a command. However many runners the command is given, the
 * client makes a limited number of calls at a time.
 *
 * Throws a UsageError like {@link resolveConnection}, and if the token is invalid.
 */
export async function createRunnerClientFromOptions(
  options: ConnectionOptions,
  concurrency?: ConcurrencyOptions,
): Promise<RunnerClient> {
  const connection = resolveConnection(options);
  const httpClient = await createHttpClient(connection, options);
  return limitConcurrency(createClientOverHttp(httpClient, connection), concurrency);
}

/**
 * Creates a client for a connection.
 *
 * Throws a UsageError that names the source of the token if the token is invalid.
 */
export function createClientOverHttp(
  httpClient: HttpClient,
  { baseUrl, token }: Connection,
  options: Pick<RunnerClientOptions, "retry"> = {},
): RunnerClient {
  try {
    return createRunnerClientOverHttp(httpClient, {
      ...options,
      baseUrl: baseUrl.href,
      token: token?.value,
      // Checked by resolveConnection, whose error names the options of runnerctl.
      allowCleartextToken: true,
    });
  } catch (error) {
    const source = token?.variable ?? `--token-file ${token?.file}`;
    throw new UsageError(`${source}: ${ConnectError.from(error).rawMessage}`);
  }
}
