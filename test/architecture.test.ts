import { execFile } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { makeTempFolder } from "./support/temp-folder.ts";

const root = join(import.meta.dirname, "..");

/** The folders of src, each with those that it may import from. */
const mayImport: Record<string, readonly string[]> = {
  runner: [],
  client: ["runner"],
  store: ["runner"],
  fixture: ["fixture/document", "runner", "store"],
  "fixture/document": [],
  server: ["runner", "server/http", "server/observability", "store"],
  "server/http": [],
  "server/observability": ["server/http"],
  cli: [
    "client",
    "fixture",
    "fixture/document",
    "runner",
    "server",
    "server/http",
    "server/observability",
    "store",
  ],
};

// Biome does not report a pattern that matches nothing, so every arrow is tried.
test("biome.imports.json refuses every import between folders of src but those listed", async () => {
  const folder = makeTempFolder();
  for (const file of ["biome.json", "biome.imports.json", ".gitignore"]) {
    copyFileSync(join(root, file), join(folder.path, file));
  }
  const run = promisify(execFile);
  await run("git", ["init", "--quiet"], { cwd: folder.path });
  const expected: string[] = [];
  for (const [from, allowed] of Object.entries(mayImport)) {
    for (const to of Object.keys(mayImport).filter((other) => other !== from)) {
      const file = `src/${from}/imports-${to.replace("/", "-")}.ts`;
      const specifier = `${relative(from, to).replace(/^(?!\.)/, "./")}/x.ts`;
      folder.write(file, `export { x } from "${specifier}";\n`);
      if (!allowed.includes(to)) {
        expected.push(file);
      }
    }
  }
  const biome = join(root, "node_modules/.bin/biome");
  const args = [
    "lint",
    "--only=style/noRestrictedImports",
    "--reporter=rdjson",
    "--max-diagnostics=none",
  ];
  const { stdout } = await run(biome, args, { cwd: folder.path }).catch((error) => error);
  const { diagnostics } = JSON.parse(stdout) as Report;
  expect(diagnostics.map(({ location }) => location.path).toSorted()).toEqual(expected.toSorted());
});

interface Report {
  readonly diagnostics: readonly { readonly location: { readonly path: string } }[];
}
