import { type FixtureFile, findRunnerIds } from "./fixture-file.ts";
import type { FixtureMistake } from "./fixture-mistake.ts";
import type { ServedRunner, ServedRunners } from "./served-runner.ts";
import type { Position } from "./source-document.ts";
import type { TakeTurns } from "./turns.ts";

/** What makes a set another than the one before: ids in lower case. */
export interface FixtureChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Puts what is in files together.
 *
 * The mistakes are those of the files, and two runners with one id.
 */
export async function collectFixtures(
  files: readonly FixtureFile[],
  takeTurns: TakeTurns,
): Promise<{ set: ServedRunners; mistakes: FixtureMistake[] }> {
  const set = new Map<string, ServedRunner>();
  const doubles = new Set<string>();
  for (const file of files) {
    for (const runner of file.runners) {
      if (runner !== undefined) {
        if (set.has(runner.runnerId)) {
          doubles.add(runner.runnerId);
        }
        set.set(runner.runnerId, runner);
      }
      await takeTurns();
    }
  }
  const mistakes = files.flatMap((file) => file.mistakes);
  return {
    set,
    mistakes:
      doubles.size === 0
        ? mistakes
        : inOrder([...mistakes, ...(await findDoubles(files, doubles))], files),
  };
}

/** Tells what is different in `after`, given that what is equal is the same object. */
export function changesBetween(before: ServedRunners, after: ServedRunners): FixtureChanges {
  const ids = [...after.keys()];
  return {
    added: ids.filter((id) => !before.has(id)),
    changed: ids.filter((id) => before.has(id) && before.get(id) !== after.get(id)),
    removed: [...before.keys()].filter((id) => !after.has(id)),
  };
}

async function findDoubles(
  files: readonly FixtureFile[],
  doubles: ReadonlySet<string>,
): Promise<FixtureMistake[]> {
  const first = new Map<string, string>();
  const mistakes: FixtureMistake[] = [];
  for (const { path: file, runners } of files) {
    const documents = new Map<number, string>();
    for (const [index, runner] of runners.entries()) {
      if (runner !== undefined && doubles.has(runner.runnerId)) {
        documents.set(index, runner.runnerId);
      }
    }
    if (documents.size === 0) {
      continue;
    }
    const positions = await findRunnerIds(file, new Set(documents.keys()));
    for (const [index, id] of documents) {
      const { line, column } = positions.get(index) as Position;
      const place = `${file}:${line}:${column}`;
      const other = first.get(id);
      if (other === undefined) {
        first.set(id, place);
      } else {
        const message = `is ${id}, as at ${other}: give each runner an id of its own`;
        mistakes.push({ file, line, column, field: "runner.runnerId", message });
      }
    }
  }
  return mistakes;
}

/** Sorts mistakes by their files and their places there. */
function inOrder(
  mistakes: readonly FixtureMistake[],
  files: readonly FixtureFile[],
): FixtureMistake[] {
  const order = new Map(files.map(({ path }, index) => [path, index]));
  const orderOf = ({ file }: FixtureMistake) => order.get(file) ?? order.size;
  return mistakes.toSorted(
    (a, b) =>
      orderOf(a) - orderOf(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}
