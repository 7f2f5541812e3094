import { runnerHealth } from "../../runner/runner-health.ts";
import { ExitCode, raiseExitCode } from "../exit-code.ts";
import { statusReport, statusRows } from "../output/status-report.ts";
import { printRunners, type RunnerCommandOptions } from "../print-runners.ts";

/**
 * `runnerctl status ID…`: prints the status of runners. With `--exit-code`, the exit code is
 * `ExitCode.conditionNotMet` if a runner is not healthy.
 */
export async function status(
  runnerIds: readonly string[],
  options: RunnerCommandOptions & { readonly exitCode?: boolean },
): Promise<void> {
  await printRunners(runnerIds, options, ({ runner }) => {
    const at = new Date();
    if (options.exitCode && runnerHealth(runner, { at }).state !== "healthy") {
      raiseExitCode(ExitCode.conditionNotMet);
    }
    return { rows: () => statusRows(runner, at), json: () => statusReport(runner, at) };
  });
}
