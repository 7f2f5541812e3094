import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { cores } from "./cores.ts";

/** Returns a line of Markdown that says when, where and at which commit the figures were measured. */
export function describeEnvironment(): string {
  const [cpu] = cpus();
  const facts = [
    `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
    gitCommit(),
    `${cpu?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Node.js ${process.versions.node}`,
    `${type()} ${release()}`,
    cores === undefined
      ? "**processes not pinned to cores**: this requires Linux, `taskset` and two cores"
      : `server on core ${cores.server}, load on core ${cores.load}`,
    `load average before: ${loadavg()[0]?.toFixed(1)}`,
  ];
  return `${facts.join(" · ")}\n`;
}

function gitCommit(): string {
  try {
    const options = { cwd: import.meta.dirname, encoding: "utf8" } as const;
    return `commit ${execFileSync("git", ["describe", "--always", "--dirty"], options).trim()}`;
  } catch {
    return "no git commit";
  }
}
