import type { BigIntStats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fixtureEndings, hasFixtureEnding } from "./fixture-file.ts";
import type { FixtureMistake } from "./fixture-mistake.ts";

/** What is found at the paths that a user gave. */
export interface FoundFiles {
  /** The files to read and what the file system says of each. */
  readonly files: Map<string, BigIntStats>;
  /** The paths at which there is nothing. */
  readonly missing: string[];
  /** The paths at which there is something, but nothing that can be read or hold fixtures. */
  readonly mistakes: FixtureMistake[];
}

/**
 * Finds the files with fixtures: those named in `paths`, and those with the right
 * ending in the folders named there and in the folders below. What is hidden, its name
 * beginning with a dot, is left out, unless it is named in `paths`.
 */
export async function findFixtureFiles(paths: readonly string[]): Promise<FoundFiles> {
  const found: FoundFiles = { files: new Map(), missing: [], mistakes: [] };
  // One file may be named, and be in a folder that is named.
  const byFullPath = new Set<string>();
  const add = (path: string, stats: BigIntStats) => {
    if (!byFullPath.has(resolve(path))) {
      byFullPath.add(resolve(path));
      found.files.set(path, stats);
    }
  };
  for (const path of paths) {
    try {
      const stats = await statOf(path);
      if (stats === undefined) {
        found.missing.push(path);
      } else if (stats.isDirectory()) {
        await findInFolder(path, add, new Set());
      } else if (stats.isFile() && hasFixtureEnding(path)) {
        add(path, stats);
      } else {
        const message = `holds no fixtures: give a folder, or a file ending in ${fixtureEndings.join(", ")}`;
        found.mistakes.push({ file: path, message });
      }
    } catch (error) {
      found.mistakes.push({ file: path, message: `cannot be read: ${(error as Error).message}` });
    }
  }
  return found;
}

/** What the file system says of a path, links followed; undefined when nothing is there. */
export async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") {
      return undefined;
    }
    throw error;
  }
}

/** Tells one state of a file from another, without its content. */
export function signatureOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

async function findInFolder(
  folder: string,
  add: (path: string, stats: BigIntStats) => void,
  outer: Set<string>,
): Promise<void> {
  // A link to a folder around it would lead in circles.
  const real = await realpath(folder);
  if (outer.has(real)) {
    return;
  }
  const inner = new Set(outer).add(real);
  for (const name of (await readdir(folder)).sort()) {
    if (name.startsWith(".")) {
      continue;
    }
    const path = join(folder, name);
    const stats = await statOf(path);
    if (stats?.isDirectory()) {
      await findInFolder(path, add, inner);
    } else if (stats?.isFile() && hasFixtureEnding(name)) {
      add(path, stats);
    }
  }
}
