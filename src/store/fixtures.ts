import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { createValidator } from "@bufbuild/protovalidate";
import { GetRunnerResponseSchema, type Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson } from "../runner/runner-json.ts";

/**
 * Reads runners from files: `paths` are files, each a GetRunnerResponse in
 * Protobuf JSON, and folders of files ending in `.json`.
 *
 * Throws a {@link FixtureError} that lists all mistakes in all files, if there
 * is any.
 */
export async function readFixtures(paths: readonly string[]): Promise<Runner[]> {
  const validator = createValidator();
  const mistakes: string[] = [];
  const fileOf = new Map<string, string>();
  const runners: Runner[] = [];
  for (const file of (await Promise.all(paths.map(fixtureFiles))).flat()) {
    try {
      const response = runnerFromJson(JSON.parse(await readFile(file, "utf8")));
      const result = validator.validate(GetRunnerResponseSchema, response);
      if (result.kind !== "valid") {
        throw result.error;
      }
      const { runner } = response;
      if (runner === undefined) {
        throw new Error("there is no runner in it");
      }
      const id = runner.runnerId.toLowerCase();
      const other = fileOf.get(id);
      if (other !== undefined) {
        throw new Error(`runner ${id} is in ${other} already`);
      }
      fileOf.set(id, file);
      runners.push(runner);
    } catch (error) {
      mistakes.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (mistakes.length > 0) {
    throw new FixtureError(mistakes);
  }
  return runners;
}

/** Files that should hold runners do not. */
export class FixtureError extends Error {
  override readonly name = "FixtureError";
  /** A line for each mistake, beginning with its file. */
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

async function fixtureFiles(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) {
    return [path];
  }
  const names = (await readdir(path)).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => join(path, name));
}
