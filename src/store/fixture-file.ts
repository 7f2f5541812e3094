import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { examineFixture, type Fixture, offsetOfRunnerId, readFixture } from "./fixture.ts";
import type { FixtureMistake } from "./fixture-mistake.ts";
import { createJsonDocument } from "./json-document.ts";
import type { KeepText } from "./kept-text.ts";
import { readLines } from "./lines.ts";
import {
  findUnchanged,
  keepFixture,
  type ServedRunner,
  type ServedRunners,
} from "./served-runner.ts";
import { type Position, positionAt, type SourceDocument } from "./source-document.ts";
import type { TakeTurns } from "./turns.ts";
import { readYamlDocuments } from "./yaml-document.ts";

/** The endings of files that hold fixtures. */
export const fixtureEndings: readonly string[] = [".json", ".yaml", ".yml", ".ndjson"];

/** Whether a file has an ending of {@link fixtureEndings}, in letters of either case. */
export function hasFixtureEnding(path: string): boolean {
  return fixtureEndings.includes(extname(path).toLowerCase());
}

/** What is in a file. */
export interface FixtureFile {
  readonly path: string;
  /** Tells one content of the file from another. */
  readonly hash: string;
  /** What can be served, each at the number of the document it was in, from 0. */
  readonly runners: readonly (ServedRunner | undefined)[];
  /** What keeps the file from being served, in its order. */
  readonly mistakes: readonly FixtureMistake[];
  /** The broken rules that were let pass, in its order. */
  readonly warnings: readonly FixtureMistake[];
}

/** What hears how the reading of files goes on. */
export interface ReadingProgress {
  /** So many more bytes are read. */
  bytes(count: number): void;
  /** One more document is read. */
  document(): void;
}

/** How files are read. */
export interface ReadingOptions {
  /** Whether rules that are broken are no mistakes but warnings. */
  readonly lenient: boolean;
  /** What is served now: what is equal in a file is the same object. */
  readonly before: ServedRunners;
  readonly keep: KeepText;
  readonly progress: ReadingProgress;
  readonly takeTurns: TakeTurns;
}

/**
 * Reads the fixtures in a file, and finds all mistakes.
 *
 * `.json` holds one fixture, `.ndjson` one in each line that is not blank, `.yaml` one
 * in each document that is not empty.
 *
 * A file that cannot be read at all is a mistake, too.
 */
export async function readFixtureFile(
  path: string,
  { lenient, before, keep, progress, takeTurns }: ReadingOptions,
): Promise<FixtureFile> {
  const hash = createHash("sha256");
  const runners: (ServedRunner | undefined)[] = [];
  const mistakes: FixtureMistake[] = [];
  const warnings: FixtureMistake[] = [];
  const onBytes = (bytes: Uint8Array) => {
    hash.update(bytes);
    progress.bytes(bytes.length);
  };
  const read = async (document: SourceDocument) => {
    let fixture = readFixture(document.read());
    if (fixture === undefined) {
      const examined = await examine(path, document);
      fixture = lenient || examined.mistakes.length === 0 ? examined.fixture : undefined;
      (fixture === undefined ? mistakes : warnings).push(...examined.mistakes);
    }
    return fixture && keepFixture(fixture, before, keep);
  };
  try {
    for await (const document of readDocuments(path, onBytes)) {
      // A lenient reader has to warn again of what it let pass.
      const unchanged =
        lenient || document.json === undefined ? undefined : findUnchanged(document.json, before);
      runners.push(unchanged ?? (await read(document)));
      progress.document();
      await takeTurns();
    }
    if (runners.length === 0) {
      const message = 'is empty: a fixture is {"runner": {"runnerId": …}}';
      mistakes.push({ file: path, line: 1, column: 1, message });
    }
  } catch (error) {
    if (isEncodingError(error)) {
      const message = "is no UTF-8 text: save the file as UTF-8";
      mistakes.push({ file: path, ...positionOfBadUtf8(await readFile(path)), message });
    } else if (isSystemError(error)) {
      mistakes.push({ file: path, message: `cannot be read: ${error.message}` });
    } else {
      throw error;
    }
  }
  return { path, hash: hash.digest("base64"), runners, mistakes, warnings };
}

/**
 * Finds where some documents of a file have the id of their runner. If the file has changed since and
 * has them no longer, that is its beginning.
 */
export async function findRunnerIds(
  path: string,
  documents: ReadonlySet<number>,
): Promise<Map<number, Position>> {
  const positions = new Map([...documents].map((index) => [index, { line: 1, column: 1 }]));
  let index = 0;
  for await (const document of readDocuments(path)) {
    if (documents.has(index)) {
      const { root } = document.examine();
      positions.set(index, document.positionAt(root ? offsetOfRunnerId(root) : 0));
    }
    index++;
  }
  return positions;
}

async function* readDocuments(
  path: string,
  onBytes: (bytes: Uint8Array) => void = () => {},
): AsyncGenerator<SourceDocument> {
  const ending = extname(path).toLowerCase();
  if (ending === ".ndjson") {
    let lineNumber = 0;
    for await (const line of readLines(path, onBytes)) {
      lineNumber++;
      if (line.trim() !== "") {
        yield createJsonDocument(line, lineNumber);
      }
    }
    return;
  }
  const bytes = await readFile(path);
  onBytes(bytes);
  const text = decode(bytes);
  if (ending !== ".json") {
    yield* readYamlDocuments(text);
  } else if (text.trim() !== "") {
    yield createJsonDocument(text);
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

async function examine(
  path: string,
  document: SourceDocument,
): Promise<{ fixture?: Fixture; mistakes: FixtureMistake[] }> {
  const { root, errors } = document.examine();
  const place = (offset: number) => {
    const { line, column } = document.positionAt(offset);
    return `${line}:${column}`;
  };
  const { fixture, findings } =
    root === undefined ? { findings: errors } : await examineFixture(root, place);
  if (findings.length === 0 && fixture === undefined) {
    // The two ways to read a document disagree. No case of it is known.
    return { mistakes: [{ file: path, ...document.positionAt(0), message: "cannot be read" }] };
  }
  const mistakes = findings.map(({ offset, ...finding }) => ({
    file: path,
    ...document.positionAt(offset),
    ...finding,
  }));
  return { ...(fixture !== undefined && { fixture }), mistakes };
}

function isEncodingError(error: unknown): boolean {
  return (
    error instanceof TypeError &&
    "code" in error &&
    error.code === "ERR_ENCODING_INVALID_ENCODED_DATA"
  );
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

function positionOfBadUtf8(bytes: Buffer): Position {
  const text = bytes.toString("utf8");
  // What cannot be decoded does not come back as it was.
  const again = Buffer.from(text);
  const same = bytes.findIndex((byte, i) => byte !== again[i]);
  return positionAt(text, bytes.toString("utf8", 0, same === -1 ? bytes.length : same).length);
}
