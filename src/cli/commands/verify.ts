import {
  type Runner,
  type RunnerCapability,
  RunnerCapabilitySchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { missingCapabilities } from "../../runner/capabilities.ts";
import { enumJson, enumShortName, enumValueFromName } from "../../runner/enum-name.ts";
import { ExitCode, raiseExitCode } from "../exit-code.ts";
import type { Row } from "../output/rows.ts";
import { printRunners, type RunnerCommandOptions } from "../print-runners.ts";
import { UsageError } from "../usage-error.ts";

/**
 * `runnerctl verify ID… --capability NAME`: prints which of the capabilities each
 * runner has. If one is missing, the exit code is `ExitCode.conditionNotMet`.
 * `-o name` prints only the runners that have all capabilities.
 *
 * Throws a UsageError, before any call, if a name is not that of a capability.
 */
export async function verify(
  runnerIds: readonly string[],
  options: RunnerCommandOptions & { readonly capability: readonly string[] },
): Promise<void> {
  const required = [...new Set(options.capability.map(parseCapability))];
  await printRunners(runnerIds, options, ({ runner }) => {
    const report = verifyReport(runner, required);
    const heading = runnerIds.length > 1 ? headingRows(runner) : [];
    if (!report.verified) {
      raiseExitCode(ExitCode.conditionNotMet);
    }
    return {
      ...(!report.verified && { name: undefined }),
      rows: () => [...heading, ...verifyRows(runner, required)],
      json: () => report,
    };
  });
}

/** Returns which of several runners the following rows are about. */
function headingRows({ name, runnerId }: Runner): Row[] {
  return [
    { label: "Name", text: name },
    { label: "ID", text: runnerId },
  ];
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
