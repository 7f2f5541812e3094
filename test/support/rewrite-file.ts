/**
 * A process that rewrites a fixture TIMES times, each time in two steps:
 * `node rewrite-file.ts FILE TIMES`. The name and the version of the runner are always equal.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

const [, , file = "", times = ""] = process.argv;
for (let round = 1; round <= Number(times); round++) {
  const [name, status] = [`${round}`, { version: `${round}` }];
  const runnerId = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
  const text = JSON.stringify({ runner: { runnerId, name, status } });
  const middle = (round * 7) % text.length;
  writeFileSync(file, text.slice(0, middle));
  await setTimeout(round % 20);
  appendFileSync(file, text.slice(middle));
  // Every tenth version stays long enough to be served.
  await setTimeout(round % 10 === 0 ? 300 : round % 30);
}
