/**
 * The client of RunnerService and the types of its contract. Runs wherever
 * there is fetch: Node.js, browsers, edge runtimes.
 *
 * @module
 */
export * from "../gen/gitpod/v1/runner_service_pb.ts";
export type { TokenSource } from "./client/bearer-token.ts";
export type { RetryOptions } from "./client/retry.ts";
export {
  createRunnerClient,
  createRunnerClientFromEnv,
  type Environment,
  type RunnerClient,
  type RunnerClientOptions,
} from "./client/runner-client.ts";
export { runnerFromJson, type UnknownJson, unknownJson } from "./runner/runner-json.ts";
