import type { FixtureMistake } from "./fixture-mistake.ts";
import type { FixtureChanges } from "./fixture-set.ts";

/** What happens with the files of a FileRunnerStore. */
export type FileRunnerStoreEvent =
  /** Reading takes long: sent every second. Bytes are those of the files read now. */
  | {
      readonly type: "loading";
      readonly runners: number;
      readonly bytes: number;
      readonly totalBytes: number;
    }
  /** All is read for the first time. */
  | {
      readonly type: "loaded";
      readonly runners: number;
      readonly files: number;
      readonly milliseconds: number;
    }
  /** Runners that break rules are served, because the store is lenient. Sent after what loads them. */
  | { readonly type: "warned"; readonly warnings: readonly FixtureMistake[] }
  /**
   * A change is served now. Nothing is added, changed or removed when the files were wrong and are
   * again as they were before.
   */
  | (FixtureChanges & {
      readonly type: "reloaded";
      readonly runners: number;
      readonly milliseconds: number;
    })
  /** The files are wrong now. What was served before goes on being served. */
  | { readonly type: "rejected"; readonly mistakes: readonly FixtureMistake[] }
  /** Changes may be missed, because the files cannot be watched or not be looked at. */
  | { readonly type: "unwatched"; readonly error: Error };
