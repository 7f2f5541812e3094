import { dirname, relative, resolve, sep } from "node:path";
import { watch } from "chokidar";

/** Follows what happens at paths. */
export interface PathFollower {
  /** Begins to look. What happened since the follower was created is not lost. */
  start(): void;
  /** Stops to watch. Resolves when no look is under way any more. */
  close(): Promise<void>;
}

/** How long after a change to look, in milliseconds: changes seldom come alone. */
const lookAfter = 50;

/** How long after a look that failed to look again, in milliseconds. */
const lookAgainAfter = 1000;

/**
 * Watches files and folders, with all that is below the folders and not hidden, and calls `look`
 * after each change: never twice at a time, and once more for changes during a look. `look` may
 * return after how many milliseconds it wants to be called again, whether or not there is a change.
 *
 * A path may come and go, or be replaced by renaming another to it.
 *
 * `onError` hears why changes may be missed.
 */
export async function followPaths(
  paths: readonly string[],
  look: () => Promise<number | undefined>,
  onError: (error: Error) => void,
): Promise<PathFollower> {
  let started = false;
  let closed = false;
  let changed = false;
  let timer: { readonly due: number; readonly timeout: NodeJS.Timeout } | undefined;
  let underWay: Promise<void> | undefined;

  const watcher = watchAround(paths);
  watcher.on("error", (error) => onError(error as Error));
  watcher.on("all", () => {
    changed = true;
    lookIn(lookAfter);
  });
  await new Promise<void>((ready) => watcher.once("ready", ready));

  function lookIn(milliseconds: number): void {
    const due = performance.now() + milliseconds;
    if (!started || closed || underWay !== undefined || (timer && timer.due <= due)) {
      return;
    }
    clearTimeout(timer?.timeout);
    timer = { due, timeout: setTimeout(() => (underWay = lookNow()), milliseconds) };
  }

  async function lookNow(): Promise<void> {
    timer = undefined;
    changed = false;
    const again = await look().catch((error) => {
      onError(error);
      return lookAgainAfter;
    });
    underWay = undefined;
    if (changed || again !== undefined) {
      lookIn(changed ? lookAfter : (again ?? 0));
    }
  }

  return {
    start: () => {
      started = true;
      if (changed) {
        lookIn(lookAfter);
      }
    },
    close: async () => {
      closed = true;
      clearTimeout(timer?.timeout);
      await watcher.close();
      await underWay;
    },
  };
}

/** Watches the folders around `paths`, but in them nothing else. */
function watchAround(paths: readonly string[]) {
  const targets = paths.map((path) => resolve(path));
  const folders = new Set(targets.map((target) => dirname(target)));
  return watch([...folders], {
    ignored: (path) =>
      !folders.has(resolve(path)) && !targets.some((target) => isVisibleIn(target, resolve(path))),
    ignoreInitial: true,
    // Would keep deletions back for a while.
    atomic: false,
  });
}

/** Whether `path` is `target`, or below it and neither hidden nor in a hidden folder. */
function isVisibleIn(target: string, path: string): boolean {
  return relative(target, path)
    .split(sep)
    .every((name) => !name.startsWith("."));
}
