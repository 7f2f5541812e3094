import { fetchRunner, type RunnerCommandOptions } from "../fetch-runner.ts";
import { print } from "../output/print.ts";
import { statusReport, statusRows } from "../output/status-report.ts";

/** `runnerctl status ID`: prints the status of a runner. */
export async function status(runnerId: string, options: RunnerCommandOptions): Promise<void> {
  const { runner } = await fetchRunner(runnerId, options);
  const at = new Date();
  await print(
    { rows: () => statusRows(runner, at), json: () => statusReport(runner, at) },
    options,
  );
}
