import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { examineFixture, type Fixture, offsetOfRunnerId, readFixture } from "./fixture.ts";
import type { FixtureMistake } from "./fixture-mistake.ts";
import { createJsonDocument } from "./json-document.ts";
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
  /** The fixtures that can be served, with the number of the document each was in, from 0. */
  readonly fixtures: ReadonlyMap<number, Fixture>;
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

/**
 * Reads the fixtures in a file, and finds all mistakes. With `lenient`, rules
 * that are broken are no mistakes but warnings.
 *
 * `.json` holds one fixture, `.ndjson` one in each line that is not blank, `.yaml` one
 * in each document that is not empty.
 *
 * A file that cannot be read at all is a mistake, too.
 */
export async function readFixtureFile(
  path: string,
  lenient: boolean,
  progress: ReadingProgress,
  takeTurns: TakeTurns,
): Promise<FixtureFile> {
  const hash = createHash("sha256");
  const fixtures = new Map<number, Fixture>();
  const mistakes: FixtureMistake[] = [];
  const warnings: FixtureMistake[] = [];
  const onBytes = (bytes: Uint8Array) => {
    hash.update(bytes);
    progress.bytes(bytes.length);
  };
  let index = 0;
  try {
    for await (const document of readDocuments(path, onBytes)) {
      const fixture = readFixture(document.read());
      if (fixture !== undefined) {
        fixtures.set(index, fixture);
      } else {
        const examined = examine(path, document);
        if (lenient && examined.fixture !== undefined) {
          fixtures.set(index, examined.fixture);
          warnings.push(...examined.mistakes);
        } else {
          mistakes.push(...examined.mistakes);
        }
      }
      index++;
      progress.document();
      await takeTurns();
    }
    if (index === 0) {
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
  return { path, hash: hash.digest("base64"), fixtures, mistakes, warnings };
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
  onBytes?: (bytes: Uint8Array) => void,
): AsyncGenerator<SourceDocument> {
  const pieces = decode(path, onBytes);
  if (extname(path).toLowerCase() === ".ndjson") {
    yield* readLines(pieces);
    return;
  }
  let text = "";
  for await (const piece of pieces) {
    text += piece;
  }
  if (extname(path).toLowerCase() !== ".json") {
    yield* readYamlDocuments(text);
  } else if (text.trim() !== "") {
    yield createJsonDocument(text);
  }
}

async function* readLines(pieces: AsyncIterable<string>): AsyncGenerator<SourceDocument> {
  let lineNumber = 0;
  let rest = "";
  for await (const piece of pieces) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      lineNumber++;
      if (line.trim() !== "") {
        yield createJsonDocument(line, lineNumber);
      }
    }
  }
  if (rest.trim() !== "") {
    yield createJsonDocument(rest, lineNumber + 1);
  }
}

async function* decode(
  path: string,
  onBytes?: (bytes: Uint8Array) => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 18 })) {
    onBytes?.(bytes);
    yield decoder.decode(bytes, { stream: true });
  }
  yield decoder.decode();
}

function examine(
  path: string,
  document: SourceDocument,
): { fixture?: Fixture; mistakes: FixtureMistake[] } {
  const { root, errors } = document.examine();
  const place = (offset: number) => {
    const { line, column } = document.positionAt(offset);
    return `${line}:${column}`;
  };
  const { fixture, findings } =
    root === undefined ? { findings: errors } : examineFixture(root, place);
  if (findings.length === 0) {
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
