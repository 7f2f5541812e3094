import { toJson } from "@bufbuild/protobuf";
import { GetRunnerResponseSchema, RunnerSchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { unknownJson } from "../../runner/runner-json.ts";
import { resolveConnection } from "../connection.ts";
import { formatCurlCommand } from "../output/curl-command.ts";
import { describeMessage } from "../output/describe-message.ts";
import { writeOutput } from "../output/standard-output.ts";
import { printRunners, type RunnerCommandOptions } from "../print-runners.ts";

/**
 * `runnerctl get ID…`: prints whole runners. JSON and YAML output is the
 * GetRunnerResponse in Protobuf JSON as on the wire, including secrets. With
 * `--as-curl`, prints the calls as curl commands instead of making them.
 */
export async function get(
  runnerIds: readonly string[],
  options: RunnerCommandOptions & { readonly asCurl?: boolean },
): Promise<void> {
  if (options.asCurl) {
    const connection = resolveConnection(options);
    const commands = runnerIds.map((id) => formatCurlCommand(connection, id, options.timeout));
    writeOutput(`${commands.join("\n")}\n`);
    return;
  }
  await printRunners(runnerIds, options, ({ runner, response }) => ({
    rows: () => describeMessage(RunnerSchema, runner, new Date()),
    // The original JSON, if available, has fields and names that are newer than this contract.
    json: () => unknownJson(response)?.json ?? toJson(GetRunnerResponseSchema, response),
  }));
}
