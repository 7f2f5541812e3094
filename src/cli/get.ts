import { toJsonString } from "@bufbuild/protobuf";
import { GetRunnerResponseSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createRunnerClient } from "../client/runner-client.ts";

/** `runnerctl get ID`: prints the whole runner. */
export async function get(runnerId: string, options: { baseUrl?: string }): Promise<void> {
  const token = process.env.ONA_API_KEY ?? process.env.GITPOD_API_KEY;
  const baseUrl = options.baseUrl ?? process.env.ONA_BASE_URL ?? process.env.GITPOD_BASE_URL;
  const client = createRunnerClient({
    ...(baseUrl !== undefined && { baseUrl }),
    ...(token !== undefined && { token }),
  });
  const response = await client.getRunner({ runnerId });
  process.stdout.write(`${toJsonString(GetRunnerResponseSchema, response, { prettySpaces: 2 })}\n`);
}
