import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { startRunnerctl } from "../support/runnerctl.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const createId = (n: number) => `3b8d6a52-5f14-4c0b-a7e9-${String(n).padStart(12, "0")}`;
const createLines = (count: number, fields: object) =>
  Array.from({ length: count }, (_, n) => {
    return JSON.stringify({ runner: { runnerId: createId(n), ...fields } });
  }).join("\n");

test("the log of a reload has counts and the first IDs, however many runners change", async (context) => {
  const file = join(makeTempFolder(context).path, "runners.ndjson");
  writeFileSync(file, createLines(1, { name: "one" }));
  const serve = startRunnerctl(["serve", "--data", file, "--port", "0", "--log-level", "debug"]);
  context.onTestFinished(() => void serve.process.kill("SIGKILL"));
  await serve.waitForStdout(/^Serving 1 runner on .*Try:/ms);

  writeFileSync(file, createLines(10_000, { name: "many" }));
  await serve.waitForStderr(/"reloaded: 10000 runners"/);
  writeFileSync(file, createLines(1, { name: "many" }));
  await serve.waitForStderr(/"reloaded: 1 runner"/);
  serve.process.kill("SIGTERM");
  const { code, stderr } = await serve.exited;
  expect(code).toBe(0);

  const lines = stderr.trimEnd().split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(1000);
  const messages = lines.map((line) => JSON.parse(line));
  expect(messages.find(({ msg }) => msg.startsWith("loaded"))).toMatchObject({
    msg: "loaded 1 runner from 1 file",
    milliseconds: expect.toSatisfy(Number.isInteger),
  });
  const reloads = messages.filter(({ msg }) => msg.startsWith("reloaded"));
  const firstIds = [1, 2, 3, 4, 5].map(createId);
  expect(reloads).toMatchObject([
    {
      runners: 10_000,
      added: { count: 9999, first: firstIds },
      changed: { count: 1, first: [createId(0)] },
      removed: { count: 0, first: [] },
      milliseconds: expect.toSatisfy(Number.isInteger),
    },
    { runners: 1, removed: { count: 9999, first: firstIds } },
  ]);
});
