import { readFile } from "node:fs/promises";
import { createRunnerClient, type RunnerClient } from "../client/runner-client.ts";
import { parseBaseUrl } from "./arguments.ts";
import { UsageError } from "./usage-error.ts";

/** The options that say which server to call, and as whom. */
export interface ClientOptions {
  readonly baseUrl?: string;
  readonly tokenFile?: string;
}

/**
 * Creates the client that all commands use, from the command's options and,
 * for what they leave open, the environment: `ONA_API_KEY` and `ONA_BASE_URL`,
 * then the older `GITPOD_API_KEY` and `GITPOD_BASE_URL`. A variable that is
 * empty counts as not set.
 *
 * Throws a UsageError if there is no token in the file, or no URL in the
 * environment.
 */
export async function createRunnerClientFromOptions(options: ClientOptions): Promise<RunnerClient> {
  const baseUrl = options.baseUrl ?? baseUrlFromEnvironment();
  const token =
    options.tokenFile === undefined
      ? process.env.ONA_API_KEY || process.env.GITPOD_API_KEY
      : await tokenIn(options.tokenFile);
  return createRunnerClient({
    ...(baseUrl !== undefined && { baseUrl }),
    ...(token && { token }),
  });
}

function baseUrlFromEnvironment(): string | undefined {
  for (const name of ["ONA_BASE_URL", "GITPOD_BASE_URL"]) {
    const value = process.env[name];
    if (value) {
      try {
        return parseBaseUrl(value);
      } catch (error) {
        throw new UsageError(`${name} is ${JSON.stringify(value)}. ${(error as Error).message}`);
      }
    }
  }
  return undefined;
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
