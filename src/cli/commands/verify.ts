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
 * `runnerctl verify ID --capability NAME…`: tells whether a runner has all the
 * capabilities that are named. If not, the process ends with
 * `ExitCode.conditionNotMet`.
 *
 * Throws a UsageError, before it asks for the runner, if no capability has one
 * of the names.
 */
export async function verify(
  runnerId: string,
  options: RunnerCommandOptions & { readonly capability: readonly string[] },
): Promise<void> {
  const wanted = [...new Set(options.capability.map(capabilityNamed))];
  const { runner } = await fetchRunner(runnerId, options);
  const report = verifyReport(runner, wanted);
  if (!report.verified) {
    process.exitCode = ExitCode.conditionNotMet;
  }
  await print({ rows: () => verifyRows(runner, wanted), json: () => report }, options);
}

function capabilityNamed(name: string): RunnerCapability {
  try {
    return enumValueFromName(RunnerCapabilitySchema, name);
  } catch (error) {
    throw new UsageError((error as RangeError).message);
  }
}

/** What `runnerctl verify -o json` prints. All keys are always there. */
export type VerifyReport = {
  runnerId: string;
  name: string;
  /** Whether none is missing. */
  verified: boolean;
  /**
   * Those asked for that the runner has: full names, such as
   * `RUNNER_CAPABILITY_WARM_POOL`; the number of one newer than the contract.
   */
  present: (string | number)[];
  /** Those asked for that it does not have. */
  missing: (string | number)[];
};

/** Tells which of the wanted capabilities a runner has, for programs. */
export function verifyReport(runner: Runner, wanted: readonly RunnerCapability[]): VerifyReport {
  const missing = missingCapabilities(runner, wanted);
  const present = wanted.filter((capability) => !missing.includes(capability));
  return {
    runnerId: runner.runnerId,
    name: runner.name,
    verified: missing.length === 0,
    present: present.map((capability) => enumJson(RunnerCapabilitySchema, capability)),
    missing: missing.map((capability) => enumJson(RunnerCapabilitySchema, capability)),
  };
}

/** Tells which of the wanted capabilities a runner has, for people. */
export function verifyRows(runner: Runner, wanted: readonly RunnerCapability[]): Row[] {
  const missing = missingCapabilities(runner, wanted);
  return wanted.map((capability) => ({
    label: enumShortName(RunnerCapabilitySchema, capability),
    ...(missing.includes(capability)
      ? { text: "missing", color: "red" }
      : { text: "present", color: "green" }),
  }));
}
