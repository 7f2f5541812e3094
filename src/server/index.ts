/**
 * The server of RunnerService: a complete server, its routes for other servers, and stores.
 *
 * @module
 */

export type { StaleFile } from "../fixture/file-problems.ts";
export {
  type FileRunnerStore,
  type FileRunnerStoreOptions,
  openFileRunnerStore,
} from "../fixture/file-runner-store.ts";
export type { FileRunnerStoreEvent } from "../fixture/file-runner-store-event.ts";
export {
  type FixtureDiagnostic,
  FixtureError,
  formatDiagnostic,
} from "../fixture/fixture-diagnostic.ts";
export { type EncodedRunner, encodeRunner } from "../store/encoded-runner.ts";
export { createMemoryRunnerStore, type MemoryRunnerStore } from "../store/memory-runner-store.ts";
export {
  type RunnerStore,
  type StoreStatus,
  StoreUnreachableError,
  UnreadableRunnerError,
} from "../store/runner-store.ts";
export { createTokenVerifier, type TokenVerifier } from "./authentication.ts";
export { defaultLimits, type ServerLimits } from "./http/limits.ts";
export { createRunnerRoutes, type RunnerRoutesOptions } from "./runner-routes.ts";
export {
  createRunnerServer,
  type RunnerServer,
  type RunnerServerOptions,
} from "./runner-server.ts";
export { openTokenFile, type TokenFile } from "./token-file.ts";
