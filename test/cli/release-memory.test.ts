import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";

/** Grows the part of V8's heap for young objects as loading does: with many that stay. */
const program = `
  const [, source, runners] = process.argv;
  const { releaseLoadingMemory } = await import(source);
  const { getHeapSpaceStatistics } = await import("node:v8");
  const young = () =>
    getHeapSpaceStatistics().find((space) => space.space_name === "new_space").physical_space_size;
  const kept = Array.from({ length: 1_000_000 }, (_, n) => ({ n }));
  const before = young();
  await releaseLoadingMemory(Number(runners));
  process.send({ before, after: young(), kept: kept.length });
`;

async function memoryAround(runners: number): Promise<{ before: number; after: number }> {
  const source = new URL("../../src/cli/release-memory.ts", import.meta.url).href;
  const child = fork("--eval", [], {
    execArgv: ["--input-type=module", "--eval", program, source, `${runners}`],
  });
  const [memory] = await once(child, "message");
  child.disconnect();
  return memory;
}

test("returns the memory of loading, if the runners are many", async () => {
  const { before, after } = await memoryAround(100_000);
  expect(before).toBeGreaterThan(20e6);
  expect(after).toBeLessThan(before / 4);
});

test("does not stop for that if they are few", async () => {
  const { before, after } = await memoryAround(100);
  expect(after).toBeGreaterThan(before / 2);
});
