import { equals } from "@bufbuild/protobuf";
import { RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import type { Fixture } from "./fixture.ts";
import { type FixtureFile, findRunnerIds } from "./fixture-file.ts";
import type { FixtureMistake } from "./fixture-mistake.ts";
import type { Position } from "./source-document.ts";
import type { TakeTurns } from "./turns.ts";

/** Fixtures by the ids of their runners, in lower case. */
export type FixtureSet = ReadonlyMap<string, Fixture>;

/** What makes a set another than the one before: ids in lower case. */
export interface FixtureChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Puts the fixtures of files together. Fixtures equal to those in `before` are the same objects
 * as there.
 *
 * The mistakes are those of the files, and two runners with one id.
 */
export async function collectFixtures(
  files: readonly FixtureFile[],
  before: FixtureSet,
  takeTurns: TakeTurns,
): Promise<{ set: FixtureSet; mistakes: FixtureMistake[] }> {
  const set = new Map<string, Fixture>();
  const doubles = new Set<string>();
  for (const file of files) {
    for (const fixture of file.fixtures.values()) {
      const id = idOf(fixture);
      if (set.has(id)) {
        doubles.add(id);
      }
      const known = before.get(id);
      set.set(id, known !== undefined && areEqual(known, fixture) ? known : fixture);
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
export function changesBetween(before: FixtureSet, after: FixtureSet): FixtureChanges {
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
  for (const { path: file, fixtures } of files) {
    const documents = [...fixtures].filter(([, fixture]) => doubles.has(idOf(fixture)));
    if (documents.length === 0) {
      continue;
    }
    const positions = await findRunnerIds(file, new Set(documents.map(([index]) => index)));
    for (const [index, fixture] of documents) {
      const id = idOf(fixture);
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

function areEqual(a: Fixture, b: Fixture): boolean {
  return (
    a === b ||
    (a.heartbeat?.interval === b.heartbeat?.interval && equals(RunnerSchema, a.runner, b.runner))
  );
}

function idOf({ runner }: Fixture): string {
  return runner.runnerId.toLowerCase();
}
