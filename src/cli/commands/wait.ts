import { Code, type ConnectError } from "@connectrpc/connect";
import type { Runner } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import type { RunnerClient } from "../../client/runner-client.ts";
import { WaitTimeoutError, waitForRunner } from "../../client/wait-for-runner.ts";
import { formatDuration } from "../../runner/format-duration.ts";
import { sanitize } from "../../runner/sanitize.ts";
import { type Condition, parseConditions } from "../condition.ts";
import { ExitCode, raiseExitCode } from "../exit-code.ts";
import { printEachRunner } from "../for-each-runner.ts";
import { createResultPrinter } from "../output/print.ts";
import { describeCallError } from "../output/request-id.ts";
import type { Row } from "../output/rows.ts";
import { writeError } from "../output/standard-error.ts";
import { createStatusLine, type StatusPart } from "../output/status-line.ts";
import { statusReport } from "../output/status-report.ts";
import type { PollingOptions } from "../print-runners.ts";
import { createRunnerClientFromOptions } from "../runner-client-from-options.ts";
import { createTerminationSignal } from "../termination-signals.ts";

/** The deadline of the only call of `--timeout 0`, in milliseconds. */
const singleCallTimeoutMs = 10_000;

/** A call that gets no response for so long is worth reporting, in milliseconds. */
const slowCallMs = 1_000;

/** How much earlier than the end of the wait the deadline of its last call may be, in milliseconds. */
const timerToleranceMs = 100;

/** The options of `runnerctl wait`. A timeout of 0 checks the conditions once. */
export interface WaitCommandOptions extends PollingOptions {
  readonly for: readonly string[];
}

/**
 * `runnerctl wait ID… --for CONDITION…`: waits until all conditions hold for all
 * runners, and prints that they do. JSON and YAML output is the last status report
 * of each runner, or null if it no longer exists. `-o name` prints the runners for
 * which all conditions hold. After `--timeout`, prints why conditions do not hold;
 * the exit code is then `ExitCode.conditionNotMet`.
 *
 * Transient errors are retried. Throws a UsageError if a condition is invalid,
 * and a ConnectError if a single runner does not exist, if no call succeeds before
 * the timeout, or for a permanent error. Errors of several runners are written.
 */
export async function wait(
  runnerIds: readonly string[],
  options: WaitCommandOptions,
): Promise<void> {
  const conditions = parseConditions(options.for);
  const signal = createTerminationSignal();
  const outcomes = await waitForAll(runnerIds, conditions, { ...options, signal });
  if (signal.aborted) {
    return;
  }
  const several = runnerIds.length > 1;
  const print = createResultPrinter(options, { several, textSeparator: "" });
  await printEachRunner(
    runnerIds,
    (runnerId) => outcomes.get(runnerId) as Promise<Outcome>,
    async (outcome, runnerId) => {
      const { runner } = outcome;
      const json = () => (runner === undefined ? null : statusReport(runner, new Date()));
      if (outcome.isMet) {
        const text = `met after ${formatDuration(outcome.afterMs)}`;
        const labels = conditions.map((condition) =>
          several ? `${runnerId} ${condition.text}` : condition.text,
        );
        const rows = () => labels.map((label): Row => ({ label, text, color: "green" }));
        await print({ name: runnerId, rows, json });
        return;
      }
      raiseExitCode(ExitCode.conditionNotMet);
      await print({ rows: () => [], json });
      const prefix = several ? `runnerctl: ${runnerId}:` : "runnerctl:";
      for (const line of outcome.lines) {
        writeError(`${prefix} ${sanitize(line)}\n`);
      }
    },
  );
}

/** How the wait for a runner ended. */
type Outcome =
  | {
      readonly isMet: true;
      /** Undefined if the runner does not exist. */
      readonly runner: Runner | undefined;
      readonly afterMs: number;
    }
  | {
      readonly isMet: false;
      readonly runner: Runner;
      /** A line for each condition. */
      readonly lines: readonly string[];
    };

/** The progress of the wait for a runner. */
interface Progress {
  /** The runner as last seen, and when. */
  lastSeen?: { readonly runner: Runner; readonly at: Date };
  /** Why the last call failed, if it did. */
  callError?: string | undefined;
  isDone: boolean;
}

type WaitOptions = WaitCommandOptions & { readonly signal: AbortSignal };

/**
 * Waits for all runners, and shows the progress in a status line on a terminal. Returns their
 * outcomes, all settled.
 */
async function waitForAll(
  runnerIds: readonly string[],
  conditions: readonly Condition[],
  options: WaitOptions,
): Promise<ReadonlyMap<string, Promise<Outcome>>> {
  const client = await createRunnerClientFromOptions(options, { timeoutIncludesQueue: true });
  const progresses = runnerIds.map((): Progress => ({ isDone: false }));
  const endsAt = performance.now() + options.timeout;
  using line = createStatusLine(
    () => progressParts(progresses, conditions, Math.max(0, endsAt - performance.now())),
    // The log of requests would be drawn over the line.
    { enabled: !options.verbose, color: options.color },
  );
  const outcomes = new Map(
    progresses.map((progress, i): [string, Promise<Outcome>] => {
      const runnerId = runnerIds[i] as string;
      const outcome = waitForOne(client, runnerId, conditions, progress, options, line.redraw);
      return [runnerId, outcome.finally(() => (progress.isDone = true))];
    }),
  );
  await Promise.allSettled(outcomes.values());
  return outcomes;
}

async function waitForOne(
  client: RunnerClient,
  runnerId: string,
  conditions: readonly Condition[],
  progress: Progress,
  { interval: intervalMs, timeout: timeoutMs, signal }: WaitOptions,
  onProgress: () => void,
): Promise<Outcome> {
  const startedAt = performance.now();
  const areMet = (runner: Runner | undefined) => {
    const at = new Date();
    return conditions.every((condition) => condition.holds(runner, at));
  };
  let calledAt = startedAt;
  const timedClient: RunnerClient = {
    getRunner: (request, options) => {
      calledAt = performance.now();
      return client.getRunner(request, options);
    },
  };
  /** Whether the end of the wait cut off a call that had just begun, which says nothing of the server. */
  const isCutOff = (error: ConnectError) => {
    const now = performance.now();
    return (
      error.code === Code.DeadlineExceeded &&
      now - startedAt > timeoutMs - timerToleranceMs &&
      now - calledAt < slowCallMs
    );
  };
  try {
    const runner = await waitForRunner(timedClient, runnerId, areMet, {
      intervalMs,
      timeoutMs,
      signal,
      ...(timeoutMs === 0 && { callTimeoutMs: singleCallTimeoutMs }),
      onProgress: ({ runner, error }) => {
        if (runner !== undefined) {
          progress.lastSeen = { runner, at: new Date() };
        }
        if (error === undefined || !isCutOff(error)) {
          progress.callError = error && describeCallError(error);
        }
        onProgress();
      },
    });
    return { isMet: true, runner, afterMs: performance.now() - startedAt };
  } catch (error) {
    if (!(error instanceof WaitTimeoutError)) {
      throw error;
    }
    const { lastSeen, callError } = progress;
    if (lastSeen === undefined) {
      // No call succeeded, so the state of the conditions is unknown.
      throw error.cause;
    }
    const lines = describeTimeout(conditions, lastSeen, callError, timeoutMs);
    return { isMet: false, runner: lastSeen.runner, lines };
  }
}

function progressParts(
  progresses: readonly Progress[],
  conditions: readonly Condition[],
  remainingMs: number,
): StatusPart[] {
  const done = progresses.filter(({ isDone }) => isDone).length;
  const errors = progresses.flatMap(({ callError, isDone }) => (isDone ? [] : (callError ?? [])));
  const [{ lastSeen } = {}, ...others] = progresses;
  const states =
    others.length > 0
      ? [`${done} of ${progresses.length} runners done`]
      : lastSeen === undefined
        ? ["no response yet"]
        : describeUnmet(conditions, lastSeen);
  return [
    { text: `waiting for ${conditions.map(({ text }) => text).join(", ")}` },
    { text: `${formatDuration(remainingMs)} left` },
    ...states.map((text) => ({ text })),
    ...errors.slice(0, 1).map((text) => ({ text, color: "red" as const })),
  ];
}

function describeUnmet(
  conditions: readonly Condition[],
  { runner, at }: NonNullable<Progress["lastSeen"]>,
): string[] {
  const unmet = conditions.filter((condition) => !condition.holds(runner, at));
  return unmet.map((condition) => condition.describeState(runner, at));
}

/** Returns a line for each condition: whether it is met and, if not, why. */
function describeTimeout(
  conditions: readonly Condition[],
  { runner, at }: NonNullable<Progress["lastSeen"]>,
  callError: string | undefined,
  timeoutMs: number,
): string[] {
  const limit = timeoutMs === 0 ? "" : ` after ${formatDuration(timeoutMs)}`;
  const suffix = callError === undefined ? "" : `; the last call failed: ${callError}`;
  return conditions.map((condition) =>
    condition.holds(runner, at)
      ? `${condition.text} met`
      : `${condition.text} not met${limit}: ${condition.describeState(runner, at)}${suffix}`,
  );
}
