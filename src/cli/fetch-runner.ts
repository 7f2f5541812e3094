import type { GetRunnerResponse, Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { ExitCode } from "./exit-code.ts";
import type { OutputOptions } from "./output/print.ts";
import { type ClientOptions, createRunnerClientFromOptions } from "./runner-client-from-options.ts";

/** The options of every command that gets a runner and prints something of it. */
export interface RunnerCommandOptions extends ClientOptions, OutputOptions {
  /** How long to wait for the runner at most, in milliseconds. */
  readonly timeout: number;
}

/** The options of every command that gets it again and again. */
export interface PollingOptions extends RunnerCommandOptions {
  /** The time from one call to the next, in milliseconds. */
  readonly interval: number;
}

/**
 * Gets the runner of a command that calls but once, and the response that it
 * came in. An interrupt ends the process.
 */
export async function fetchRunner(
  runnerId: string,
  options: RunnerCommandOptions,
): Promise<{ runner: Runner; response: GetRunnerResponse }> {
  process.once("SIGINT", () => process.exit(ExitCode.interrupted));
  const client = await createRunnerClientFromOptions(options);
  const response = await client.getRunner({ runnerId }, { timeoutMs: options.timeout });
  if (response.runner === undefined) {
    throw new Error("the server answered without a runner, which the contract does not allow");
  }
  return { runner: response.runner, response };
}
