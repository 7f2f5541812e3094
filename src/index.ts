/**
 * The RunnerService client, the generated contract types, and functions that interpret a Runner.
 * Runs wherever `fetch` is available: Node.js, browsers, edge runtimes.
 *
 * @module
 */
export * from "../gen/gitpod/v1/runner_service_pb.ts";
export type { TokenSource } from "./client/bearer-token.ts";
export type { Clock } from "./client/clock.ts";
export type { Environment } from "./client/environment.ts";
export type { PollOptions, PollResult } from "./client/poll-runner.ts";
export type { RetryOptions } from "./client/retry.ts";
export {
  createRunnerClient,
  createRunnerClientFromEnv,
  type RunnerClient,
  type RunnerClientOptions,
} from "./client/runner-client.ts";
export { type WaitOptions, WaitTimeoutError, waitForRunner } from "./client/wait-for-runner.ts";
export { type RunnerEvent, watchRunner } from "./client/watch-runner.ts";
export { capabilityNames, hasCapability, missingCapabilities } from "./runner/capabilities.ts";
export { type DesiredAndActual, desiredAndActual } from "./runner/desired-and-actual.ts";
export { enumShortName, enumShortNames, enumValueFromName } from "./runner/enum-name.ts";
export { heartbeatAgeMs } from "./runner/heartbeat.ts";
export { redactedJson } from "./runner/redaction.ts";
export { diffRunners, isHeartbeatOnly, type RunnerChange } from "./runner/runner-diff.ts";
export {
  type HealthReason,
  type HealthState,
  type RunnerHealth,
  type RunnerHealthOptions,
  runnerHealth,
} from "./runner/runner-health.ts";
export { runnerFromJson, type UnknownJson, unknownJson } from "./runner/runner-json.ts";
export {
  type UpdateWindowHours,
  type UpdateWindowState,
  updateWindowHours,
  updateWindowState,
} from "./runner/update-window.ts";
