import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { runnerToJson } from "../../src/store/encoded-runner.ts";
import { sampleRunner } from "../support/sample-runner.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const count = 10_000;

/** Measures in a process of its own, where nothing else comes and goes. */
const program = `
  const [, source, onePath, path] = process.argv;
  const { openFileRunnerStore } = await import(source);
  const inUse = () => {
    gc();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  // The code that loads takes memory, too.
  await openFileRunnerStore({ paths: [onePath], watch: false });
  const empty = inUse();
  const store = await openFileRunnerStore({ paths: [path], watch: false });
  const loaded = inUse();
  let bytes = 0;
  for (const { runnerId } of store.runners()) {
    bytes += store.peek(runnerId).encode("json", "identity").length;
  }
  await new Promise(setImmediate);
  process.send({ size: store.size, loaded: loaded - empty, served: inUse() - empty, bytes });
`;

test("a runner takes little more memory than its JSON, be it served or not", async (context) => {
  const runner = sampleRunner("aws-stale-heartbeat.json");
  const lines = Array.from({ length: count }, (_, n) =>
    runnerToJson({ ...runner, runnerId: `3b8d6a52-5f14-4c0b-a7e9-${String(n).padStart(12, "0")}` }),
  );
  const folder = makeTempFolder(context);
  const paths = [lines.slice(0, 100), lines].map((some, n) =>
    folder.write(`${n}.ndjson`, some.join("\n")),
  );
  const source = new URL("../../src/server/index.ts", import.meta.url).href;
  const child = fork("--eval", [], {
    execArgv: ["--expose-gc", "--input-type=module", "--eval", program, source, ...paths],
  });
  const [{ size, bytes, loaded, served }] = await once(child, "message");
  child.disconnect();
  expect(size).toBe(count);
  expect(bytes).toBe(lines.join("").length);
  expect((loaded - bytes) / count).toBeLessThan(450);
  expect((served - bytes) / count).toBeLessThan(700);
}, 60_000);
