import type { GetRunnerResponse, Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import type { ConnectionOptions } from "./connection.ts";
import { printEachRunner } from "./for-each-runner.ts";
import { createResultPrinter, type OutputOptions, type PrintableResult } from "./output/print.ts";
import { createRunnerClientFromOptions } from "./runner-client-from-options.ts";

/** The options of all commands that fetch runners and print them. */
export interface RunnerCommandOptions extends ConnectionOptions, OutputOptions {
  /** The deadline of each call, in milliseconds. For `wait`, the limit of the whole wait. */
  readonly timeout: number;
}

/** The options of all commands that poll runners. */
export interface PollingOptions extends RunnerCommandOptions {
  /** The time between calls, in milliseconds. */
  readonly interval: number;
}

/** A runner, and the response that contained it. */
export interface FetchedRunner {
  readonly runner: Runner;
  readonly response: GetRunnerResponse;
}

/**
 * Fetches runners, and prints a result for each, in the order of `runnerIds`. The name of a result
 * is the ID of the runner by default.
 *
 * Throws a ConnectError if the call for a single runner fails, and an Error if the response
 * contains no runner. Errors of several runners are written, see {@link printEachRunner}.
 */
export async function printRunners(
  runnerIds: readonly string[],
  options: RunnerCommandOptions,
  createResult: (fetched: FetchedRunner) => PrintableResult,
): Promise<void> {
  const client = await createRunnerClientFromOptions(options);
  const print = createResultPrinter(options, { several: runnerIds.length > 1 });
  await printEachRunner(
    runnerIds,
    async (runnerId) => {
      const response = await client.getRunner({ runnerId }, { timeoutMs: options.timeout });
      if (response.runner === undefined) {
        throw new Error("the response contains no runner, which violates the contract");
      }
      return { runner: response.runner, response };
    },
    (fetched, runnerId) => print({ name: runnerId, ...createResult(fetched) }),
  );
}
