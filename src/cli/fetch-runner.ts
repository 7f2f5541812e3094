import type { GetRunnerResponse, Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { ExitCode } from "./exit-code.ts";
import type { OutputOptions } from "./output/print.ts";
import { type ClientOptions, createRunnerClientFromOptions } from "./runner-client-from-options.ts";

/** The options of all commands that fetch a runner and print it. */
export interface RunnerCommandOptions extends ClientOptions, OutputOptions {
  /** The deadline of the call, in milliseconds. For `wait`, the limit of the whole wait. */
  readonly timeout: number;
}

/** The options of all commands that poll a runner. */
export interface PollingOptions extends RunnerCommandOptions {
  /** The time between calls, in milliseconds. */
  readonly interval: number;
}

/**
 * Fetches a runner, and returns it with the response that contained it. For
 * commands that make a single call: Ctrl-C exits the process at once.
 *
 * Throws a ConnectError if the call fails, and an Error if the response
 * contains no runner.
 */
export async function fetchRunner(
  runnerId: string,
  options: RunnerCommandOptions,
): Promise<{ runner: Runner; response: GetRunnerResponse }> {
  process.once("SIGINT", () => process.exit(ExitCode.interrupted));
  const client = await createRunnerClientFromOptions(options);
  const response = await client.getRunner({ runnerId }, { timeoutMs: options.timeout });
  if (response.runner === undefined) {
    throw new Error("the response contains no runner, which violates the contract");
  }
  return { runner: response.runner, response };
}
