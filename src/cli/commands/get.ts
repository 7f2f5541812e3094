import { toJson } from "@bufbuild/protobuf";
import { GetRunnerResponseSchema, RunnerSchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { unknownJson } from "../../runner/runner-json.ts";
import { fetchRunner, type RunnerCommandOptions } from "../fetch-runner.ts";
import { describeMessage } from "../output/describe-message.ts";
import { print } from "../output/print.ts";

/**
 * `runnerctl get ID`: prints the whole runner. JSON and YAML output is the
 * GetRunnerResponse in Protobuf JSON as on the wire, including secrets.
 */
export async function get(runnerId: string, options: RunnerCommandOptions): Promise<void> {
  const { runner, response } = await fetchRunner(runnerId, options);
  await print(
    {
      rows: () => describeMessage(RunnerSchema, runner, new Date()),
      // The original JSON, if available, has fields and names that are newer than this contract.
      json: () => unknownJson(response)?.json ?? toJson(GetRunnerResponseSchema, response),
    },
    options,
  );
}
