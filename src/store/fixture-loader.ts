import type { BigIntStats } from "node:fs";
import type { FileRunnerStoreEvent } from "./file-runner-store-event.ts";
import { type FixtureFile, type ReadingProgress, readFixtureFile } from "./fixture-file.ts";
import { describeMistake, FixtureError, type FixtureMistake } from "./fixture-mistake.ts";
import { findFixtureFiles, signatureOf, statOf } from "./fixture-paths.ts";
import { changesBetween, collectFixtures } from "./fixture-set.ts";
import { createTextKeeper } from "./kept-text.ts";
import type { ServedRunners } from "./served-runner.ts";
import { createTurns } from "./turns.ts";

/** Loads fixtures from files. */
export interface FixtureLoader {
  /** The runners to serve. */
  readonly set: ServedRunners;
  /** Loads all for the first time. Throws a {@link FixtureError} if anything is wrong. */
  load(): Promise<void>;
  /**
   * Looks for changes, and takes them over if they are complete and right. Returns after how many
   * milliseconds to look again: when something is not complete yet.
   */
  look(): Promise<number | undefined>;
}

/**
 * How long a file has to stay as it is before it is read, in milliseconds: whoever writes it in
 * several steps is then done.
 */
const settledAfter = 150;

/** How long files have to stay wrong before that is reported, in milliseconds. */
const reportedAfter = 500;

/** How often progress is reported, in milliseconds. */
const progressEvery = 1000;

/** Creates a loader of the files at `paths`: see the options of a FileRunnerStore. */
export function createFixtureLoader(
  paths: readonly string[],
  lenient: boolean,
  onEvent: (event: FileRunnerStoreEvent) => void,
): FixtureLoader {
  let set: ServedRunners = new Map();
  const keep = createTextKeeper();
  /** What was read last, be it right or wrong. */
  const read = new Map<string, { readonly signature: string; readonly file: FixtureFile }>();
  /** What is no longer as it was read, and since when it is as it is. No signature: no file. */
  const unsettled = new Map<
    string,
    { readonly signature: string | undefined; readonly since: number }
  >();
  /** What is wrong, since when, and whether that is reported. */
  let wrong: { readonly what: string; readonly since: number; reported: boolean } | undefined;
  const warnedOf = new WeakSet<FixtureFile>();

  const filesRead = () => [...read.values()].map(({ file }) => file);

  async function load(): Promise<void> {
    const started = performance.now();
    const found = await findFixtureFiles(paths);
    const readNext = createReader([...found.files.values()].map(({ size }) => Number(size)));
    for (const [path, stats] of found.files) {
      // A change in the same tick of the file system's clock would not show in the signature.
      const isNew = Date.now() - Number(stats.ctimeMs) < settledAfter;
      read.set(path, { signature: isNew ? "new" : signatureOf(stats), file: await readNext(path) });
    }
    const collected = await collectFixtures(filesRead(), createTurns());
    const mistakes = [
      ...found.missing.map((file) => ({ file, message: "does not exist" })),
      ...found.mistakes,
      ...collected.mistakes,
    ];
    if (mistakes.length > 0) {
      throw new FixtureError(mistakes);
    }
    set = collected.set;
    const milliseconds = performance.now() - started;
    onEvent({ type: "loaded", runners: set.size, files: read.size, milliseconds });
    warn();
  }

  async function look(): Promise<number | undefined> {
    const started = performance.now();
    const found = await findFixtureFiles(paths);
    const changed = await readSettled(found.files, started);
    if (changed || found.mistakes.length > 0 || wrong !== undefined) {
      await takeOver(found.mistakes, started);
    }
    const waits = [...unsettled.values()].map(({ since }) => since + settledAfter);
    if (wrong?.reported === false) {
      waits.push(wrong.since + reportedAfter);
    }
    return waits.length === 0 ? undefined : Math.max(Math.min(...waits) - performance.now(), 1);
  }

  /** Reads what has changed and is settled, and says whether there was any. */
  async function readSettled(
    files: ReadonlyMap<string, BigIntStats>,
    now: number,
  ): Promise<boolean> {
    const settled = new Map<string, BigIntStats | undefined>();
    for (const path of new Set([...read.keys(), ...files.keys()])) {
      const stats = files.get(path);
      const signature = stats && signatureOf(stats);
      const seen = unsettled.get(path);
      if (signature === read.get(path)?.signature) {
        unsettled.delete(path);
      } else if (seen === undefined || seen.signature !== signature) {
        unsettled.set(path, { signature, since: now });
      } else if (seen.since + settledAfter <= now) {
        settled.set(path, stats);
      }
    }
    const readNext = createReader([...settled.values()].map((stats) => Number(stats?.size ?? 0)));
    let changed = false;
    for (const [path, stats] of settled) {
      if (stats === undefined) {
        read.delete(path);
        changed = true;
      } else {
        const file = await readNext(path);
        const after = await statOf(path);
        const signature = after && signatureOf(after);
        if (signature === undefined || signature !== signatureOf(stats)) {
          // Changed while it was read: it may be half of this and half of that.
          unsettled.set(path, { signature, since: performance.now() });
          continue;
        }
        const before = read.get(path)?.file;
        const same = before !== undefined && before.hash === file.hash;
        read.set(path, { signature, file: same ? before : file });
        changed ||= !same;
      }
      unsettled.delete(path);
    }
    return changed;
  }

  /** Serves what was read if all of it is right, and reports what is wrong once it stays wrong. */
  async function takeOver(pathMistakes: FixtureMistake[], started: number): Promise<void> {
    const collected = await collectFixtures(filesRead(), createTurns());
    const mistakes = [...pathMistakes, ...collected.mistakes];
    if (mistakes.length > 0) {
      const what = contentOf(mistakes);
      if (wrong?.what !== what) {
        wrong = { what, since: performance.now(), reported: false };
      } else if (
        !wrong.reported &&
        unsettled.size === 0 &&
        wrong.since + reportedAfter <= performance.now()
      ) {
        wrong.reported = true;
        onEvent({ type: "rejected", mistakes });
      }
      return;
    }
    const changes = changesBetween(set, collected.set);
    const isOther = Object.values(changes).some((ids) => ids.length > 0);
    const wasReported = wrong?.reported === true;
    wrong = undefined;
    set = collected.set;
    if (isOther || wasReported) {
      const milliseconds = performance.now() - started;
      onEvent({ type: "reloaded", ...changes, runners: set.size, milliseconds });
      warn();
    }
  }

  /** Tells mistakes apart, and also the same mistakes in other contents. */
  function contentOf(mistakes: readonly FixtureMistake[]): string {
    const hashes = [...new Set(mistakes.map(({ file }) => read.get(file)?.file.hash))];
    return [...mistakes.map(describeMistake), ...hashes].join("\n");
  }

  function warn(): void {
    const files = filesRead().filter((file) => !warnedOf.has(file));
    const warnings = files.flatMap((file) => file.warnings);
    for (const file of files) {
      warnedOf.add(file);
    }
    if (warnings.length > 0) {
      onEvent({ type: "warned", warnings });
    }
  }

  /** Creates what reads one file after the other, and reports how far it is. */
  function createReader(sizes: readonly number[]): (path: string) => Promise<FixtureFile> {
    const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
    const takeTurns = createTurns();
    let bytes = 0;
    let runners = 0;
    let last = performance.now();
    const progress: ReadingProgress = {
      bytes: (count) => {
        bytes += count;
      },
      document: () => {
        runners++;
        if (performance.now() - last > progressEvery) {
          last = performance.now();
          onEvent({ type: "loading", runners, bytes, totalBytes });
        }
      },
    };
    return (path) => readFixtureFile(path, { lenient, before: set, keep, progress, takeTurns });
  }

  return {
    get set() {
      return set;
    },
    load,
    look,
  };
}
