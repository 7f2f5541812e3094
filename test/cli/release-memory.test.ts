import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";

/** Grows V8's young generation as loading does: by creating many objects that survive. */
const program = `
  const [, source, runners] = process.argv;
  const { releaseLoadingMemory } = await import(source);
  const { getHeapSpaceStatistics } = await import("node:v8");
  const youngGenerationSize = () =>
    getHeapSpaceStatistics().find((space) => space.space_name === "new_space").physical_space_size;
  const survivors = Array.from({ length: 1_000_000 }, (_, n) => ({ n }));
  const before = youngGenerationSize();
  await releaseLoadingMemory(Number(runners));
  process.send({ before, after: youngGenerationSize(), survivors: survivors.length });
`;

/** Returns the size of the young generation before and after the call. */
async function measureRelease(runners: number): Promise<{ before: number; after: number }> {
  const source = new URL("../../src/cli/release-memory.ts", import.meta.url).href;
  const child = fork("--eval", [], {
    execArgv: ["--input-type=module", "--eval", program, source, `${runners}`],
  });
  const [memory] = await once(child, "message");
  child.disconnect();
  return memory;
}

test("releases the memory of loading many runners", async () => {
  const { before, after } = await measureRelease(100_000);
  expect(before).toBeGreaterThan(20e6);
  expect(after).toBeLessThan(before / 4);
});

test("does nothing for few runners", async () => {
  const { before, after } = await measureRelease(100);
  expect(after).toBeGreaterThan(before / 2);
});
