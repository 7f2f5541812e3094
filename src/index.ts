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
