import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/**
 * Reads the file of an option as text.
 *
 * Throws a UsageError that names the option if the file cannot be read.
 */
export function readOptionFile(flag: string, file: string): string {
  try {
    // Synchronous, because loading node:fs/promises takes longer than reading the file.
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read the file of ${flag}: ${(error as Error).message}`);
  }
}
