import type { Runner } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import type { RunnerClient } from "../../client/runner-client.ts";
import { WaitTimeoutError, waitForRunner } from "../../client/wait-for-runner.ts";
import { formatDuration } from "../../runner/format-duration.ts";
import { sanitize } from "../../runner/sanitize.ts";
import { type Condition, parseCondition } from "../condition.ts";
import { ExitCode } from "../exit-code.ts";
import type { PollingOptions } from "../fetch-runner.ts";
import { createInterruptSignal } from "../interrupt-signal.ts";
import { print } from "../output/print.ts";
import { createStatusLine, type StatusPart } from "../output/status-line.ts";
import { statusReport } from "../output/status-report.ts";
import { createRunnerClientFromOptions } from "../runner-client-from-options.ts";

/**
 * `runnerctl wait ID --for CONDITION`: waits until a condition holds, and prints
 * that it does. JSON and YAML output is the last status report of the runner, or
 * null if the runner no longer exists. After `--timeout`, prints why the condition
 * does not hold; the exit code is then `ExitCode.conditionNotMet`.
 *
 * Transient errors are retried. Throws a UsageError if the condition is invalid,
 * and a ConnectError if the runner does not exist, if no call succeeds before the
 * timeout, or for a permanent error.
 */
export async function wait(
  runnerId: string,
  options: PollingOptions & { readonly for: string },
): Promise<void> {
  const condition = parseCondition(options.for);
  const signal = createInterruptSignal();
  const client = await createRunnerClientFromOptions(options);
  const progress: Progress = { condition, startedAt: Date.now() };
  const createReport = (runner: Runner | undefined) =>
    runner === undefined ? null : statusReport(runner, new Date());
  try {
    const runner = await waitWithProgress(client, runnerId, progress, { ...options, signal });
    const text = `met after ${formatDuration(Date.now() - progress.startedAt)}`;
    await print(
      {
        rows: () => [{ label: condition.text, text, color: "green" }],
        json: () => createReport(runner),
      },
      options,
    );
  } catch (error) {
    if (signal.aborted) {
      return;
    }
    if (!(error instanceof WaitTimeoutError)) {
      throw error;
    }
    const { lastSeen } = progress;
    if (lastSeen === undefined) {
      // No call succeeded, so the state of the condition is unknown.
      throw error.cause;
    }
    process.exitCode = ExitCode.conditionNotMet;
    await print({ rows: () => [], json: () => createReport(lastSeen.runner) }, options);
    const time = formatDuration(options.timeout);
    const state = sanitize(describeLastState(progress, lastSeen));
    process.stderr.write(`runnerctl: ${condition.text} not met after ${time}: ${state}\n`);
  }
}

/** The progress of a wait. */
interface Progress {
  readonly condition: Condition;
  /** When the wait started, in milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** The runner as last seen, and when. */
  lastSeen?: { readonly runner: Runner; readonly at: Date };
  /** Why the last call failed, if it did. */
  callError?: string | undefined;
}

/** Waits, and shows the progress in a status line on a terminal. */
async function waitWithProgress(
  client: RunnerClient,
  runnerId: string,
  progress: Progress,
  options: PollingOptions & { readonly signal: AbortSignal },
): Promise<Runner | undefined> {
  const { interval: intervalMs, timeout: timeoutMs, color, signal } = options;
  const { condition, startedAt } = progress;
  using line = createStatusLine(() => progressParts(progress, startedAt + timeoutMs - Date.now()), {
    enabled: true,
    color,
  });
  return await waitForRunner(client, runnerId, (runner) => condition.holds(runner, new Date()), {
    intervalMs,
    timeoutMs,
    signal,
    onProgress: ({ runner, error }) => {
      if (runner !== undefined) {
        progress.lastSeen = { runner, at: new Date() };
      }
      progress.callError = error?.message;
      line.redraw();
    },
  });
}

function progressParts(progress: Progress, remainingMs: number): StatusPart[] {
  const { condition, lastSeen, callError } = progress;
  return [
    { text: `waiting for ${condition.text}` },
    { text: `${formatDuration(Math.max(0, remainingMs))} left` },
    ...(lastSeen === undefined
      ? [{ text: "no response yet" }]
      : [{ text: condition.describeState(lastSeen.runner, lastSeen.at) }]),
    ...(callError === undefined ? [] : [{ text: callError, color: "red" as const }]),
  ];
}

function describeLastState(
  { condition, callError }: Progress,
  lastSeen: NonNullable<Progress["lastSeen"]>,
): string {
  const state = condition.describeState(lastSeen.runner, lastSeen.at);
  return callError === undefined ? state : `${state}; the last call failed: ${callError}`;
}
