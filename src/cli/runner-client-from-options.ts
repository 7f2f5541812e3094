import { readFile } from "node:fs/promises";
import { createRunnerClientFromEnv, type NodeRunnerClient } from "../client/node.ts";
import { UsageError } from "./usage-error.ts";

/** The options that say which server to call, and as whom. */
export interface ClientOptions {
  readonly baseUrl?: string;
  readonly tokenFile?: string;
}

/**
 * Creates the client that all commands use, from the command's options and,
 * for what they leave open, the environment.
 *
 * Throws a UsageError if there is no token in the file, if the base URL is
 * none, or if the token cannot be sent there.
 */
export async function createRunnerClientFromOptions(
  options: ClientOptions,
): Promise<NodeRunnerClient> {
  const { baseUrl, tokenFile } = options;
  const token = tokenFile === undefined ? undefined : await tokenIn(tokenFile);
  try {
    return createRunnerClientFromEnv({ baseUrl, token });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function tokenIn(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new UsageError(`the token file cannot be read: ${error.message}`);
  });
  const token = text.trim();
  if (token === "") {
    throw new UsageError(`the token file ${file} is empty`);
  }
  return token;
}
