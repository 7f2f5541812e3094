import { readFileSync } from "node:fs";
import { parseBaseUrl } from "../client/base-url.ts";
import { createNodeHttpClient } from "../client/node-http-client.ts";
import { findProxy } from "../client/proxy.ts";
import {
  createRunnerClientOverHttp,
  type RunnerClient,
  withEnvironment,
} from "../client/runner-client.ts";
import { UsageError } from "./usage-error.ts";

/** The options for the server to call and the token to send. */
export interface ClientOptions {
  readonly baseUrl?: string;
  readonly tokenFile?: string;
}

/**
 * Creates a client from the options of a command. The environment provides what
 * the options do not.
 *
 * Throws a UsageError if the token file is empty or unreadable, if the base URL
 * is invalid, or if the token would be sent there unencrypted.
 */
export async function createRunnerClientFromOptions({
  baseUrl,
  tokenFile,
}: ClientOptions): Promise<RunnerClient> {
  const token = tokenFile === undefined ? undefined : readToken(tokenFile);
  const options = withEnvironment({ baseUrl, token }, process.env);
  try {
    const url = parseBaseUrl(options.baseUrl);
    if (findProxy(url) !== undefined) {
      // Only undici supports proxies, but loading it takes longer than a call.
      const { createRunnerClient } = await import("../client/node.ts");
      return createRunnerClient(options);
    }
    return createRunnerClientOverHttp(createNodeHttpClient(url.protocol), options);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readToken(file: string): string {
  const token = readTokenFile(file).trim();
  if (token === "") {
    throw new UsageError(`the file ${file} of --token-file is empty`);
  }
  return token;
}

function readTokenFile(file: string): string {
  try {
    // Synchronous, because loading node:fs/promises takes longer than reading the file.
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read the file of --token-file: ${(error as Error).message}`);
  }
}
