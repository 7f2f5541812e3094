import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { BenchmarkResult } from "./benchmark.ts";
import { describeEnvironment } from "./environment.ts";
import { measureClient } from "./parts/client.ts";
import { measureMany } from "./parts/many.ts";
import { profile } from "./parts/profile.ts";
import { measureRunnerctl } from "./parts/runnerctl.ts";
import { measureServer } from "./parts/server.ts";
import { formatComparisons, formatSubjects } from "./table.ts";

const parts: Readonly<Record<string, () => Promise<BenchmarkResult[]>>> = {
  server: measureServer,
  many: measureMany,
  client: measureClient,
  runnerctl: measureRunnerctl,
};

const names = process.argv.slice(2);
const partNames = [...Object.keys(parts), "profile"];
const unknown = names.find((name) => !partNames.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`bench: unknown part "${unknown}"; choose from ${partNames.join(", ")}\n`);
  process.exit(2);
}
process.once("SIGINT", () => process.exit(130));
installPeers();
process.stdout.write(`${describeEnvironment()}\n`);
for (const [name, measure] of Object.entries(parts)) {
  if (names.length === 0 || names.includes(name)) {
    const results = await measure();
    const tables = `${formatComparisons(results)}\n${formatSubjects(results)}`;
    process.stdout.write(`### ${name}\n\n${tables}\n`);
  }
}

// It compares nothing, so it only runs on request.
if (names.includes("profile")) {
  process.stdout.write(`### profile\n\n${await profile()}\n`);
}

/** Installs the packages of the bench unless they are up to date with the lock file. */
function installPeers(): void {
  const lockFile = join(import.meta.dirname, "package-lock.json");
  const installed = join(import.meta.dirname, "node_modules/.package-lock.json");
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lockFile).mtimeMs) {
    execFileSync("npm", ["ci"], { cwd: import.meta.dirname, stdio: ["ignore", 2, "inherit"] });
  }
}
