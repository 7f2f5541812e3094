import {
  type Runner,
  type RunnerCapability,
  RunnerCapabilitySchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { missingCapabilities } from "../../runner/capabilities.ts";
import { enumJson, enumShortName, enumValueFromName } from "../../runner/enum-name.ts";
import { ExitCode } from "../exit-code.ts";
import { fetchRunner, type RunnerCommandOptions } from "../fetch-runner.ts";
import { print } from "../output/print.ts";
import type { Row } from "../output/rows.ts";
import { UsageError } from "../usage-error.ts";

/**
 * `runnerctl verify ID --capability NAME…`: prints which of the capabilities a
 * runner has. If one is missing, the exit code is `ExitCode.conditionNotMet`.
 *
 * Throws a UsageError, before any call, if a name is not that of a capability.
 */
export async function verify(
  runnerId: string,
  options: RunnerCommandOptions & { readonly capability: readonly string[] },
): Promise<void> {
  const required = [...new Set(options.capability.map(parseCapability))];
  const { runner } = await fetchRunner(runnerId, options);
  const report = verifyReport(runner, required);
  if (!report.verified) {
    process.exitCode = ExitCode.conditionNotMet;
  }
  await print({ rows: () => verifyRows(runner, required), json: () => report }, options);
}

function parseCapability(name: string): RunnerCapability {
  try {
    return enumValueFromName(RunnerCapabilitySchema, name);
  } catch (error) {
    throw new UsageError((error as RangeError).message);
  }
}

/** The output of `runnerctl verify -o json`. All keys are always present. */
export type VerifyReport = {
  runnerId: string;
  name: string;
  /** Whether the runner has all required capabilities. */
  verified: boolean;
  /**
   * The required capabilities that the runner has: full names, such as
   * `RUNNER_CAPABILITY_WARM_POOL`, or numbers if names are unknown.
   */
  present: (string | number)[];
  /** The required capabilities that the runner does not have. */
  missing: (string | number)[];
};

/** Returns which of the required capabilities a runner has, for programs. */
export function verifyReport(runner: Runner, required: readonly RunnerCapability[]): VerifyReport {
  const missing = missingCapabilities(runner, required);
  const present = required.filter((capability) => !missing.includes(capability));
  return {
    runnerId: runner.runnerId,
    name: runner.name,
    verified: missing.length === 0,
    present: present.map((capability) => enumJson(RunnerCapabilitySchema, capability)),
    missing: missing.map((capability) => enumJson(RunnerCapabilitySchema, capability)),
  };
}

/** Returns which of the required capabilities a runner has, for people. */
export function verifyRows(runner: Runner, required: readonly RunnerCapability[]): Row[] {
  const missing = missingCapabilities(runner, required);
  return required.map((capability) => ({
    label: enumShortName(RunnerCapabilitySchema, capability),
    ...(missing.includes(capability)
      ? { text: "missing", color: "red" }
      : { text: "present", color: "green" }),
  }));
}
