/**
 * The client of RunnerService and the types of its contract. Runs wherever
 * there is fetch: Node.js, browsers, edge runtimes.
 *
 * @module
 */
export * from "../gen/gitpod/v1/runner_service_pb.ts";
export {
  createRunnerClient,
  type RunnerClient,
  type RunnerClientOptions,
} from "./client/runner-client.ts";
export { capabilityNames, hasCapability, missingCapabilities } from "./runner/capabilities.ts";
export { type DesiredAndActual, desiredAndActual } from "./runner/desired-and-actual.ts";
export { enumShortName, enumShortNames, enumValueNamed } from "./runner/enum-name.ts";
export { heartbeatAgeMs } from "./runner/heartbeat.ts";
export { redactedJson } from "./runner/redaction.ts";
export {
  type HealthReason,
  type HealthState,
  type RunnerHealth,
  type RunnerHealthOptions,
  runnerHealth,
} from "./runner/runner-health.ts";
export {
  type UpdateWindowHours,
  type UpdateWindowState,
  updateWindowHours,
  updateWindowState,
} from "./runner/update-window.ts";
