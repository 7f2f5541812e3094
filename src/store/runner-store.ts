import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import type { EncodedRunner } from "./encoded-runner.ts";

/**
 * The source of the runners that the server serves.
 *
 * Implement it to serve runners from your own source. Only {@link RunnerStore.get} is required.
 */
export interface RunnerStore {
  /**
   * Returns the runner with this id, or undefined if there is none.
   *
   * The server calls it for every valid GetRunner request, except those that its fast path serves
   * from {@link RunnerStore.peek}. Calls may overlap.
   *
   * `runnerId` is a valid UUID in lower case, whatever case the request has. The `runnerId` of the
   * returned message may be in any case.
   *
   * The server does not modify the returned message. The store must not modify it either: return a
   * new message for a new version of a runner.
   *
   * `signal` is aborted when the caller disconnects, and when the caller's deadline or the server's
   * request timeout passes. The server then ignores the result, so stop the work if you can.
   *
   * Throw a {@link StoreUnreachableError} or an {@link UnreadableRunnerError}, or reject with it,
   * to report that condition to the caller. For any other error, the caller gets the code
   * `internal` without the error's message.
   */
  get(
    runnerId: string,
    options: { readonly signal: AbortSignal },
  ): Runner | undefined | Promise<Runner | undefined>;

  /**
   * Optional: returns the runner with this id and its encodings from memory. Returns undefined if
   * the runner is not in memory or does not exist; the server then calls {@link RunnerStore.get}.
   *
   * It enables the fast path of `createRunnerServer`, which sends cached bytes for unary Connect
   * calls. A server with interceptors does not call it, because interceptors must see every call.
   *
   * The server calls it before it validates the request: `runnerId` is in lower case, but may be
   * any string. The method must not block and must not throw.
   *
   * Return the same object until the runner changes, and a new object after that: the server caches
   * responses by the identity of this object.
   */
  peek?(runnerId: string): EncodedRunner | undefined;

  /**
   * Optional: returns whether the store can serve, and what an operator should know about it.
   *
   * `signal` is aborted when the caller no longer waits for the result.
   */
  check?(options: { readonly signal: AbortSignal }): StoreStatus | Promise<StoreStatus>;
}

/** The state of a store, for operators. */
export interface StoreStatus {
  /** Whether the store can serve. */
  readonly ready: boolean;
  /** What an operator should know, such as `1 file is stale: PATH`. Contains no secrets. */
  readonly messages: readonly string[];
}

/**
 * Thrown by a store that cannot reach its runners at the moment; a later try may succeed.
 *
 * The caller gets the code `unavailable`. The message goes to the log only.
 */
export class StoreUnreachableError extends Error {
  override readonly name = "StoreUnreachableError";
}

/**
 * Thrown by a store that has data for this id which is not a valid Runner.
 *
 * The caller gets the code `data_loss` and the message, which contains the id only.
 */
export class UnreadableRunnerError extends Error {
  override readonly name = "UnreadableRunnerError";
  /** The id of the runner that cannot be read. */
  readonly runnerId: string;

  constructor(runnerId: string, options?: ErrorOptions) {
    super(`runner ${runnerId} is stored but cannot be read`, options);
    this.runnerId = runnerId;
  }
}
