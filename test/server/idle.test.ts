import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { startRunnerctl } from "../support/runnerctl.ts";

/** How often the main thread of a process has gone to sleep since the start of the process. */
function sleepsOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1]);
}

test.skipIf(process.platform !== "linux")(
  "an idle server wakes up only a few times a second",
  async () => {
    const server = startRunnerctl(["serve", "--sample", "--port", "0"]);
    onTestFinished(() => void server.process.kill("SIGKILL"));
    const [, url = ""] = await server.waitForStdout(/on (\S+)\n/);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const pid = server.process.pid as number;
    await setTimeout(2000);
    const before = sleepsOf(pid);
    await setTimeout(5000);
    expect((sleepsOf(pid) - before) / 5).toBeLessThan(10);

    // What it measures instead of waking up a hundred times a second.
    expect(metrics).toMatch(/^nodejs_eventloop_utilization [\d.e-]+$/m);
    expect(metrics).toMatch(/^nodejs_eventloop_lag_seconds [\d.e-]+$/m);
    expect(metrics).not.toContain("nodejs_eventloop_lag_p99_seconds");
  },
  30_000,
);
