import { ConnectError } from "@connectrpc/connect";
import { createRunnerClientOverHttp, type RunnerClient } from "../client/runner-client.ts";
import {
  type ConnectionOptions,
  createHttpClient,
  resolveConnection,
  type Token,
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
  const { baseUrl, token } = connection;
  const httpClient = await createHttpClient(connection, options);
  try {
    const client = createRunnerClientOverHttp(httpClient, {
      baseUrl: baseUrl.href,
      token: token?.value,
      // Checked by resolveConnection, whose error names the options of runnerctl.
      allowCleartextToken: true,
    });
    return limitConcurrency(client, concurrency);
  } catch (error) {
    throw new UsageError(`${describeSource(token)}: ${ConnectError.from(error).rawMessage}`);
  }
}

function describeSource(token: Token | undefined): string {
  return token?.variable ?? `--token-file ${token?.file}`;
}
