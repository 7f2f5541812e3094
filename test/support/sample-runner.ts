import { readFileSync } from "node:fs";
import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson } from "../../src/runner/runner-json.ts";

/** The folder with the sample runners. */
export const samples = new URL("../../examples/runners/", import.meta.url).pathname;

/** Reads the sample runner in a file, without simulated heartbeats. */
export function sampleRunner(file: string): Runner {
  const json = JSON.parse(readFileSync(samples + file, "utf8"));
  const { runner } = runnerFromJson(json, { ignoreUnknownFields: true });
  if (runner === undefined) {
    throw new Error(`${file} contains no runner`);
  }
  return runner;
}
