import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";

/** A folder that is deleted at the end of the test. */
export interface TempFolder {
  readonly path: string;
  /** Writes a file, creates its parent folders and returns its path. */
  write(name: string, content: string | Uint8Array): string;
}

/** Creates a folder for the current test. Concurrent tests have to pass their context. */
export function makeTempFolder(
  context: Pick<TestContext, "onTestFinished"> = { onTestFinished },
): TempFolder {
  const path = mkdtempSync(join(tmpdir(), "runner-service-"));
  context.onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write: (name, content) => {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
  };
}
