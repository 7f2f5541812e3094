import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import type { EncodedRunner } from "./encoded-runner.ts";
import type { FileRunnerStoreEvent } from "./file-runner-store-event.ts";
import { createFixtureLoader } from "./fixture-loader.ts";
import { followPaths } from "./path-follower.ts";
import type { RunnerStore } from "./runner-store.ts";
import { versionAt } from "./served-runner.ts";

/** Options of {@link openFileRunnerStore}. */
export interface FileRunnerStoreOptions {
  /**
   * Files and folders with fixtures. Of a folder, all files that end in `.json`, `.yaml`,
   * `.yml` or `.ndjson`, also in the folders below, but for hidden ones.
   */
  readonly paths: readonly string[];
  /** Whether runners that break rules of the contract are taken. Default: false. */
  readonly lenient?: boolean;
  /** Whether changes of the files are taken over while the store is open. Default: true. */
  readonly watch?: boolean;
  /** The clock for heartbeats. Default: the system's. */
  readonly now?: () => Date;
  /** Hears what happens with the files, for logs and metrics. */
  readonly onEvent?: (event: FileRunnerStoreEvent) => void;
}

/** A store of the runners in files. */
export interface FileRunnerStore extends RunnerStore {
  get(runnerId: string): Runner | undefined;
  peek(runnerId: string): EncodedRunner | undefined;
  /** How many runners it has. */
  readonly size: number;
  /** The runners as they are now. */
  runners(): IterableIterator<Runner>;
  /** Stops watching. Resolves when nothing is under way any more. What was loaded is still served. */
  close(): Promise<void>;
}

/**
 * Opens a store of the runners in files, and follows the changes of the files.
 *
 * A change is served once it is complete and right: the whole set of runners is then replaced at
 * once. As long as anything is wrong, the set before is served.
 *
 * Throws a {@link FixtureError} that lists all mistakes in all files, if there is any.
 */
export async function openFileRunnerStore(
  options: FileRunnerStoreOptions,
): Promise<FileRunnerStore> {
  const { paths, lenient = false, watch = true, now = () => new Date() } = options;
  const { onEvent = () => {} } = options;
  const loader = createFixtureLoader(paths, lenient, onEvent);
  const follower = watch
    ? await followPaths(paths, loader.look, (error) => onEvent({ type: "unwatched", error }))
    : undefined;
  try {
    await loader.load();
  } catch (error) {
    await follower?.close();
    throw error;
  }
  follower?.start();
  const peek = (runnerId: string) => {
    const runner = loader.set.get(runnerId);
    return runner && versionAt(runner, now);
  };
  return {
    get: (runnerId) => peek(runnerId)?.runner,
    peek,
    get size() {
      return loader.set.size;
    },
    *runners() {
      for (const runner of loader.set.values()) {
        yield versionAt(runner, now).runner;
      }
    },
    close: async () => follower?.close(),
  };
}
