import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "./contest.ts";
import { describeEnvironment } from "./environment.ts";
import { measureClient } from "./parts/client.ts";
import { measureMany } from "./parts/many.ts";
import { profile } from "./parts/profile.ts";
import { measureRunnerctl } from "./parts/runnerctl.ts";
import { measureServer } from "./parts/server.ts";
import { comparisonTable, subjectTable } from "./table.ts";

const parts: Readonly<Record<string, () => Promise<Outcome[]>>> = {
  server: measureServer,
  many: measureMany,
  client: measureClient,
  runnerctl: measureRunnerctl,
};

const names = process.argv.slice(2);
const known = [...Object.keys(parts), "profile"];
const unknown = names.find((name) => !known.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`bench: no part is called ${unknown}; choose from ${known.join(", ")}\n`);
  process.exit(2);
}
process.once("SIGINT", () => process.exit(130));
installPeers();
process.stdout.write(`${describeEnvironment()}\n`);
for (const [name, measure] of Object.entries(parts)) {
  if (names.length === 0 || names.includes(name)) {
    const outcomes = await measure();
    const tables = `${comparisonTable(outcomes)}\n${subjectTable(outcomes)}`;
    process.stdout.write(`### ${name}\n\n${tables}\n`);
  }
}

// It compares nothing, so it is for those who ask.
if (names.includes("profile")) {
  process.stdout.write(`### profile\n\n${await profile()}\n`);
}

/** Installs the packages that only the bench needs, unless they are there as the lock file has them. */
function installPeers(): void {
  const wanted = join(import.meta.dirname, "package-lock.json");
  const installed = join(import.meta.dirname, "node_modules/.package-lock.json");
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
    execFileSync("npm", ["ci"], { cwd: import.meta.dirname, stdio: ["ignore", 2, "inherit"] });
  }
}
