import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { type EncodedRunner, encodeRunner } from "./encoded-runner.ts";
import type { RunnerStore } from "./runner-store.ts";

/** A store that holds runners in memory. */
export interface MemoryRunnerStore extends RunnerStore {
  get(runnerId: string): Runner | undefined;
  peek(runnerId: string): EncodedRunner | undefined;
  /** Adds the runner, in place of the one with the same id if there is one. */
  set(runner: Runner): void;
  /** Takes the runner out, and says whether there was one. The id may be in either case. */
  delete(runnerId: string): boolean;
  /** How many runners it holds. */
  readonly size: number;
  /** The runners, in the order in which their ids came in. */
  values(): IterableIterator<Runner>;
}

/** Creates a store in memory, holding `runners`; of two with one id, the later. */
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
