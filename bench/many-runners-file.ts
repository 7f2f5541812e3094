import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { manyLines } from "./sample.ts";

/** The number of runners in the file. */
export const manyRunners = 100_000;

/**
 * Writes an NDJSON file with {@link manyRunners} runners and returns its path. The file is deleted
 * when this process exits.
 */
export async function writeManyRunners(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "runner-service-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "runners.ndjson");
  process.stderr.write("many runners: writing the file\n");
  await pipeline(manyLines(manyRunners), createWriteStream(file));
  return file;
}
