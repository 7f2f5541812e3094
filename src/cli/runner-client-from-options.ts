import { readFileSync } from "node:fs";
import { liveApiUrl, parseBaseUrl } from "../client/base-url.ts";
import { createNodeHttpClient } from "../client/node-http-client.ts";
import { mayUseProxy } from "../client/proxy.ts";
import {
  createRunnerClientOverHttp,
  type RunnerClient,
  withEnvironment,
} from "../client/runner-client.ts";
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
export async function createRunnerClientFromOptions({
  baseUrl,
  tokenFile,
}: ClientOptions): Promise<RunnerClient> {
  const token = tokenFile === undefined ? undefined : tokenIn(tokenFile);
  const options = withEnvironment({ baseUrl, token }, process.env);
  try {
    const url = parseBaseUrl(options.baseUrl ?? liveApiUrl);
    if (mayUseProxy(url)) {
      // Undici knows proxies, but to load it takes longer than to make a call.
      const { createRunnerClient } = await import("../client/node.ts");
      return createRunnerClient(options);
    }
    return createRunnerClientOverHttp(createNodeHttpClient(url.protocol), options);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function tokenIn(file: string): string {
  const token = textIn(file).trim();
  if (token === "") {
    throw new UsageError(`the token file ${file} is empty`);
  }
  return token;
}

function textIn(file: string): string {
  try {
    // Not by promises: to load those of node:fs takes longer than to read.
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`the token file cannot be read: ${(error as Error).message}`);
  }
}
