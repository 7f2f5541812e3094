/**
 * Everything that `runner-service` exports, with clients for Node.js: they have a connection pool,
 * HTTP/2 and proxies.
 *
 * @module
 */

// These take precedence over the functions of the same names in index.ts.
export {
  createRunnerClient,
  createRunnerClientFromEnv,
  type NodeRunnerClient,
  type NodeRunnerClientOptions,
} from "./client/node.ts";
export * from "./index.ts";
