import {
  type Runner,
  RunnerCapability,
  RunnerCapabilitySchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortName, unknownEnumNames } from "./enum-name.ts";

/**
 * Tells whether a runner says that it has a capability.
 *
 * `UNSPECIFIED` lets nobody conclude anything: no runner has it.
 */
export function hasCapability(runner: Runner, capability: RunnerCapability): boolean {
  return (
    capability !== RunnerCapability.UNSPECIFIED &&
    (runner.status?.capabilities.includes(capability) ?? false)
  );
}

/** Returns those of the wanted capabilities that a runner does not have, in the order given. */
export function missingCapabilities(
  runner: Runner,
  wanted: Iterable<RunnerCapability>,
): RunnerCapability[] {
  return [...wanted].filter((capability) => !hasCapability(runner, capability));
}

/**
 * Returns the short names of a runner's capabilities, such as `warm-pool`, in
 * the order in which it reported them. One that is newer than the contract goes
 * by its number, or, last, by its full name if it came as JSON.
 */
export function capabilityNames(runner: Runner): string[] {
  const capabilities = runner.status?.capabilities ?? [];
  return [
    ...capabilities.map((capability) => enumShortName(RunnerCapabilitySchema, capability)),
    ...unknownEnumNames(runner.status, "capabilities"),
  ];
}
