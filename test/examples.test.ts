import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openFileRunnerStore } from "../src/fixture/file-runner-store.ts";

const folder = new URL("../examples/runners/", import.meta.url).pathname;
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const table = readFileSync(`${folder}README.md`, "utf8");

async function load(path: string, now = new Date()) {
  const store = await openFileRunnerStore({ paths: [path], watch: false, now: () => now });
  return [...store.runners()];
}

describe("the sample runners", () => {
  test("are valid", async () => {
    expect(await load(folder)).toHaveLength(files.length);
  });

  test.each(files)("%s has a row in the table of the README", async (file) => {
    const [runner] = await load(folder + file);
    expect(table).toContain(`| [${file}](${file}) | \`${runner?.runnerId}\` | ${runner?.name} |`);
  });

  test("only contain URLs of example.com", () => {
    for (const file of files) {
      for (const [, host] of readFileSync(folder + file, "utf8").matchAll(/https?:\/\/([^/"]+)/g)) {
        expect(host).toMatch(/\bexample\.com$/);
      }
    }
  });
});
