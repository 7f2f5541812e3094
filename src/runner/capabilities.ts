import {
  type Runner,
  RunnerCapability,
  RunnerCapabilitySchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortName, unknownEnumNames } from "./enum-name.ts";

/**
 * Returns whether a runner reports a capability.
 *
 * Returns false for `UNSPECIFIED`, even if the runner reports it.
 */
export function hasCapability(runner: Runner, capability: RunnerCapability): boolean {
  return (
    capability !== RunnerCapability.UNSPECIFIED &&
    (runner.status?.capabilities.includes(capability) ?? false)
  );
}

/** Returns the wanted capabilities that a runner does not have, in the given order. */
export function missingCapabilities(
  runner: Runner,
  wanted: Iterable<RunnerCapability>,
): RunnerCapability[] {
  return [...wanted].filter((capability) => !hasCapability(runner, capability));
}

/**
 * Returns the short names of a runner's capabilities, such as `warm-pool`, in the order reported.
 *
 * A capability that this version of the contract does not define is returned as its number. If it
 * was read by name from JSON, its full name is returned instead, at the end of the list.
 */
export function capabilityNames(runner: Runner): string[] {
  const capabilities = runner.status?.capabilities ?? [];
  return [
    ...capabilities.map((capability) => enumShortName(RunnerCapabilitySchema, capability)),
    ...unknownEnumNames(runner.status, "capabilities"),
  ];
}
