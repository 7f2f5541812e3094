import type { Runner } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import type { RunnerClient } from "../../client/runner-client.ts";
import { WaitTimeoutError, waitForRunner } from "../../client/wait-for-runner.ts";
import { formatDuration } from "../../runner/format-duration.ts";
import { type Condition, parseCondition } from "../condition.ts";
import { ExitCode } from "../exit-code.ts";
import type { PollingOptions } from "../fetch-runner.ts";
import { createInterruptSignal } from "../interrupt-signal.ts";
import { print } from "../output/print.ts";
import { sanitize } from "../output/rows.ts";
import { createStatusLine, type StatusPart } from "../output/status-line.ts";
import { statusReport } from "../output/status-report.ts";
import { createRunnerClientFromOptions } from "../runner-client-from-options.ts";

/**
 * `runnerctl wait ID --for CONDITION`: waits until a condition holds, and
 * prints that it does; for programs, the status report of the runner as it was
 * then, or null when there is no such runner any more. When the time is over
 * first, it tells why the condition does not hold, and the process ends with
 * `ExitCode.conditionNotMet`.
 *
 * Throws a UsageError for a condition that is none, and a ConnectError when
 * there is no such runner, when no call went well in all the time, and for what
 * asking again does not mend.
 */
export async function wait(
  runnerId: string,
  options: PollingOptions & { readonly for: string },
): Promise<void> {
  const condition = parseCondition(options.for);
  const signal = createInterruptSignal();
  const client = await createRunnerClientFromOptions(options);
  const progress: Progress = { condition, begin: Date.now() };
  const report = (runner: Runner | undefined) =>
    runner === undefined ? null : statusReport(runner, new Date());
  try {
    const runner = await waitWithProgress(client, runnerId, progress, { ...options, signal });
    const text = `holds, after ${formatDuration(Date.now() - progress.begin)}`;
    await print(
      { rows: () => [{ label: condition.text, text, color: "green" }], json: () => report(runner) },
      options,
    );
  } catch (error) {
    if (signal.aborted) {
      return;
    }
    if (!(error instanceof WaitTimeoutError)) {
      throw error;
    }
    const { seen } = progress;
    if (seen === undefined) {
      // Nobody knows about the condition: what failed is the calls.
      throw error.cause;
    }
    process.exitCode = ExitCode.conditionNotMet;
    await print({ rows: () => [], json: () => report(seen.runner) }, options);
    const time = formatDuration(options.timeout);
    process.stderr.write(
      `runnerctl: ${condition.text} does not hold after ${time}: ${sanitize(lastState(progress, seen))}\n`,
    );
  }
}

/** How far the waiting has come. */
interface Progress {
  readonly condition: Condition;
  /** When it began, in milliseconds since 1970. */
  readonly begin: number;
  /** The runner as it was last seen. */
  seen?: { readonly runner: Runner; readonly at: Date };
  /** Why the last call failed, if it did. */
  trouble?: string | undefined;
}

/** Waits, and tells on a terminal how that goes. */
async function waitWithProgress(
  client: RunnerClient,
  runnerId: string,
  progress: Progress,
  options: PollingOptions & { readonly signal: AbortSignal },
): Promise<Runner | undefined> {
  const { interval: intervalMs, timeout: timeoutMs, color, signal } = options;
  const { condition, begin } = progress;
  using line = createStatusLine(() => progressParts(progress, begin + timeoutMs - Date.now()), {
    live: true,
    color,
  });
  return await waitForRunner(client, runnerId, (runner) => condition.holds(runner, new Date()), {
    intervalMs,
    timeoutMs,
    signal,
    onProgress: ({ runner, error }) => {
      if (runner !== undefined) {
        progress.seen = { runner, at: new Date() };
      }
      progress.trouble = error?.message;
      line.redraw();
    },
  });
}

function progressParts(progress: Progress, leftMs: number): StatusPart[] {
  const { condition, seen, trouble } = progress;
  return [
    { text: `waiting for ${condition.text}` },
    { text: `${formatDuration(Math.max(0, leftMs))} left` },
    ...(seen === undefined
      ? [{ text: "no answer yet" }]
      : [{ text: condition.stateOf(seen.runner, seen.at) }]),
    ...(trouble === undefined ? [] : [{ text: trouble, color: "red" as const }]),
  ];
}

function lastState({ condition, trouble }: Progress, seen: NonNullable<Progress["seen"]>): string {
  const state = condition.stateOf(seen.runner, seen.at);
  return trouble === undefined ? state : `${state}; the last call failed: ${trouble}`;
}
