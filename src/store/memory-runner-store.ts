import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { type EncodedRunner, encodeRunner } from "./encoded-runner.ts";
import type { RunnerStore } from "./runner-store.ts";

/** A store that holds runners in memory. */
export interface MemoryRunnerStore extends RunnerStore {
  get(runnerId: string): Runner | undefined;
  peek(runnerId: string): EncodedRunner | undefined;
  /** Adds a runner, or replaces the one with the same id. It must not be modified afterwards. */
  set(runner: Runner): void;
  /** Deletes the runner with this id, in any letter case. Returns false if there is none. */
  delete(runnerId: string): boolean;
  /** The number of runners. */
  readonly size: number;
  /** Returns the runners in the order in which their ids were added. */
  values(): IterableIterator<Runner>;
}

/**
 * Creates a store that holds runners in memory, at first `runners`. Of several runners with the
 * same id, it holds the last.
 */
export function createMemoryRunnerStore(runners: Iterable<Runner> = []): MemoryRunnerStore {
  const byId = new Map<string, EncodedRunner>();
  const store: MemoryRunnerStore = {
    get: (runnerId) => byId.get(runnerId)?.runner,
    peek: (runnerId) => byId.get(runnerId),
    set: (runner) => void byId.set(runner.runnerId.toLowerCase(), encodeRunner(runner)),
    delete: (runnerId) => byId.delete(runnerId.toLowerCase()),
    get size() {
      return byId.size;
    },
    *values() {
      for (const { runner } of byId.values()) {
        yield runner;
      }
    },
  };
  for (const runner of runners) {
    store.set(runner);
  }
  return store;
}
