import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FixtureError, openFileRunnerStore } from "../../src/server/index.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const sample = readFileSync(
  new URL("../../examples/runners/aws-enterprise-active.json", import.meta.url),
  "utf8",
);
const tree = JSON.parse(sample);

/** Everything in the sample that has a path, as the way to it. */
const ways: string[][] = waysIn(tree, []);

function waysIn(value: unknown, way: string[]): string[][] {
  return typeof value !== "object" || value === null
    ? [way]
    : [way, ...Object.entries(value).flatMap(([key, item]) => waysIn(item, [...way, key]))];
}

/** The sample with a value somewhere replaced, taken out or put in. */
const changedTrees = fc
  .tuple(fc.constantFrom(...ways), fc.jsonValue(), fc.option(fc.string()))
  .map(([way, value, name]) => {
    const copy = structuredClone({ root: tree });
    const path = ["root", ...way];
    const last = path.pop() as string;
    const owner = path.reduce<object>((node, key) => Reflect.get(node, key), copy);
    Object.assign(owner, { [name ?? last]: value });
    return JSON.stringify(copy.root, null, 2);
  });

/** The text of the sample with a piece of it replaced. */
const changedTexts = fc
  .tuple(
    fc.nat(sample.length),
    fc.nat(20),
    fc.oneof(
      fc.string(),
      fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "\\", "\n", "\0", "&a ", "*a", "- ", "\t"),
    ),
  )
  .map(([start, length, text]) => sample.slice(0, start) + text + sample.slice(start + length));

test.each([
  [".json", "a value", changedTrees],
  [".json", "a piece of text", changedTexts],
  [".yaml", "a value", changedTrees],
  [".yaml", "a piece of text", changedTexts],
  [".ndjson", "a piece of text", changedTexts],
])("a %s file with %s changed is read, or told what is wrong in it", async (ending, _, texts) => {
  const folder = makeTempFolder();
  const check = async (text: string) => {
    const file = folder.write(`a${ending}`, text);
    const lines = Buffer.from(text).toString().split("\n");
    const result = await openFileRunnerStore({ paths: [file], watch: false }).catch(
      (error) => error,
    );
    if (result instanceof FixtureError) {
      expect(result.mistakes).not.toEqual([]);
      for (const { line = 0, column = 0, message } of result.mistakes) {
        expect(column).toBeGreaterThan(0);
        expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
        expect(message).not.toBe("cannot be read");
      }
    } else {
      expect(result).toMatchObject({ size: expect.any(Number) });
      expect(result.size).toBeGreaterThan(0);
    }
  };
  await fc.assert(fc.asyncProperty(texts, check), { numRuns: 150 });
});
