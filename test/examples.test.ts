import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readFixtures } from "../src/store/fixtures.ts";

const folder = new URL("../examples/runners/", import.meta.url).pathname;
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const table = readFileSync(`${folder}README.md`, "utf8");

describe("the sample runners", () => {
  test("are valid", async () => {
    expect(await readFixtures([folder])).toHaveLength(files.length);
  });

  test.each(files)("%s has its line in the table", async (file) => {
    const [runner] = await readFixtures([folder + file]);
    expect(table).toContain(`| [${file}](${file}) | \`${runner?.runnerId}\` | ${runner?.name} |`);
  });

  test("name no hosts but examples", () => {
    for (const file of files) {
      for (const [, host] of readFileSync(folder + file, "utf8").matchAll(/https?:\/\/([^/"]+)/g)) {
        expect(host).toMatch(/\bexample\.com$/);
      }
    }
  });
});
