import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import type { EncodedRunner } from "./encoded-runner.ts";

/**
 * Where the server gets its runners from. Everything the service knows about
 * runners comes through this one method; implement it to serve runners from a
 * place of your own.
 */
export interface RunnerStore {
  /**
   * Returns the runner with this id, or undefined when there is none.
   *
   * `runnerId` is a UUID in lower case, however the caller wrote it.
   *
   * The message returned is never changed by its reader, and must not be changed
   * by the store: a new version of a runner is a new message.
   *
   * `signal` is aborted when nobody waits for the answer any more: the caller
   * went away or its deadline passed. Stop the work then, if you can.
   *
   * Throw a {@link StoreUnreachableError} or an {@link UnreadableRunnerError} for
   * what they describe. Anything else thrown is reported to the caller as an
   * internal error, without its text.
   */
  get(
    runnerId: string,
    options: { readonly signal: AbortSignal },
  ): Runner | undefined | Promise<Runner | undefined>;

  /**
   * Optional: returns the runner with this id at once, with its bytes, if the
   * store has it at hand; undefined if it does not, or if there is none. As long
   * as the runner has not changed, the same object is returned.
   *
   * With it, the server answers most calls without doing any of the work twice.
   */
  peek?(runnerId: string): EncodedRunner | undefined;
}

/** The place the runners are kept in cannot be reached now; a later try may succeed. */
export class StoreUnreachableError extends Error {
  override readonly name = "StoreUnreachableError";
}

/** The store holds a runner with this id, but what it holds is no valid Runner. */
export class UnreadableRunnerError extends Error {
  override readonly name = "UnreadableRunnerError";
  /** The id of the runner, as it was asked for. */
  readonly runnerId: string;

  constructor(runnerId: string, options?: ErrorOptions) {
    super(`runner ${runnerId} is stored but cannot be read`, options);
    this.runnerId = runnerId;
  }
}
