import { Code, type ConnectError } from "@connectrpc/connect";
import type { Runner } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { codeName } from "../../client/connect-error.ts";
import { pollRunner } from "../../client/poll-runner.ts";
import { heartbeatAgeMs } from "../../runner/heartbeat.ts";
import { healthStates, runnerHealth } from "../../runner/runner-health.ts";
import { forEachRunner } from "../for-each-runner.ts";
import { onReaderClosed } from "../output/closed-reader.ts";
import { healthColor } from "../output/colors.ts";
import { formatJson } from "../output/format-json.ts";
import { formatAge } from "../output/format-time.ts";
import { canRedraw, canShowColors, type OutputOptions } from "../output/print.ts";
import { writeError } from "../output/standard-error.ts";
import { writeOutput } from "../output/standard-output.ts";
import { createStatusLine, type StatusPart } from "../output/status-line.ts";
import { healthRow, phaseRow } from "../output/status-report.ts";
import { createTextLayout } from "../output/text-layout.ts";
import { loadTextWidth } from "../output/text-width.ts";
import { createWatchEventDetector, type WatchEvent } from "../output/watch-event.ts";
import { renderWatchEvent } from "../output/watch-line.ts";
import type { PollingOptions } from "../print-runners.ts";
import { createRunnerClientFromOptions } from "../runner-client-from-options.ts";
import { createTerminationSignal } from "../termination-signals.ts";

/** The options of `runnerctl watch`. */
export type WatchCommandOptions = PollingOptions & {
  readonly output: Exclude<OutputOptions["output"], "name">;
};

/**
 * `runnerctl watch ID…`: prints each change of runners until they are deleted or the
 * user presses Ctrl-C. Text output on a terminal also has a status line with the
 * state of the runners.
 *
 * Transient errors are printed and retried. Throws a ConnectError if a single runner
 * does not exist at the start, or for a permanent error. Such errors of several
 * runners are written, and the others are still watched.
 */
export async function watch(
  runnerIds: readonly string[],
  options: WatchCommandOptions,
): Promise<void> {
  const signal = createTerminationSignal();
  onReaderClosed(() => process.exit());
  const client = await createRunnerClientFromOptions(options);
  const print = await createEventPrinter(options, runnerIds.length > 1);
  const states = new Map(runnerIds.map((runnerId): [string, State] => [runnerId, {}]));
  using line = createStatusLine(() => statusParts([...states.values()], new Date()), {
    color: options.color,
    // The log of requests would be drawn over the line.
    enabled: options.output === "text" && canRedraw(process.stdout) && !options.verbose,
  });
  await forEachRunner(
    runnerIds,
    async (runnerId) => {
      const state = states.get(runnerId) as State;
      const detectEvents = createWatchEventDetector(runnerId);
      const { interval: intervalMs, timeout: callTimeoutMs } = options;
      for await (const poll of pollRunner(client, runnerId, {
        intervalMs,
        callTimeoutMs,
        signal,
      })) {
        const { runner, error } = poll;
        const isDeleted = error?.code === Code.NotFound;
        if (isDeleted && state.lastSeen === undefined) {
          throw error;
        }
        const at = new Date();
        state.lastSeen =
          runner === undefined ? state.lastSeen : { runner, at, seenAtMs: performance.now() };
        state.lastError = error;
        for (const event of detectEvents(poll, at)) {
          line.printAbove(() => print(event));
        }
        if (isDeleted) {
          return;
        }
      }
    },
    (text) => line.printAbove(() => writeError(text)),
  );
}

/** What is known of a watched runner. */
interface State {
  lastSeen?: Snapshot | undefined;
  lastError?: ConnectError | undefined;
}

/** The state of a runner at a time. */
interface Snapshot {
  readonly runner: Runner;
  readonly at: Date;
  /** The same time by the monotonic clock. */
  readonly seenAtMs: number;
}

function statusParts(states: readonly State[], now: Date): StatusPart[] {
  return states.length === 1 ? runnerParts(states[0] as State, now) : summaryParts(states);
}

/** Describes a single runner. */
function runnerParts({ lastSeen, lastError }: State, now: Date): StatusPart[] {
  // Only the code: the line of the error event has the message.
  const errorParts: StatusPart[] =
    lastError === undefined ? [] : [{ text: `error: ${codeName(lastError.code)}`, color: "red" }];
  if (lastSeen === undefined) {
    return [{ text: "no response yet" }, ...errorParts];
  }
  const { runner, at, seenAtMs } = lastSeen;
  const heartbeatMs = heartbeatAgeMs(runner, now);
  const [phase, health] = [phaseRow(runner), healthRow(runner, at)];
  return [
    { text: `phase ${phase.text}`, color: phase.color },
    { text: `health ${health.text}`, color: health.color },
    { text: heartbeatMs === undefined ? "no heartbeat" : `heartbeat ${formatAge(heartbeatMs)}` },
    { text: `seen ${formatAge(performance.now() - seenAtMs)}` },
    ...errorParts,
  ];
}

/** Counts several runners by their health. */
function summaryParts(states: readonly State[]): StatusPart[] {
  const healths = states.flatMap(({ lastSeen }) =>
    lastSeen === undefined ? [] : [runnerHealth(lastSeen.runner, { at: lastSeen.at }).state],
  );
  const errors = states.filter(({ lastError }) => lastError !== undefined).length;
  return [
    { text: `${states.length} runners` },
    ...healthStates.flatMap((state) => {
      const count = healths.filter((other) => other === state).length;
      return count === 0 ? [] : [{ text: `${count} ${state}`, color: healthColor[state] }];
    }),
    ...(errors === 0 ? [] : [{ text: `${errors} failing`, color: "red" as const }]),
  ];
}

/**
 * Creates a function that prints events. Text output has errors and recoveries on
 * standard error; JSON and YAML have all events on standard output.
 */
async function createEventPrinter(
  { output, color }: WatchCommandOptions,
  several: boolean,
): Promise<(event: WatchEvent) => void> {
  switch (output) {
    case "text": {
      const textWidth = await loadTextWidth();
      return (event) => {
        const isAboutErrors = event.type === "error" || event.type === "recovered";
        const stream = isAboutErrors ? process.stderr : process.stdout;
        const text = renderWatchEvent(event, {
          several,
          colored: color && canShowColors(stream),
          layout: stream.isTTY ? createTextLayout(stream, textWidth) : undefined,
        });
        (isAboutErrors ? writeError : writeOutput)(text);
      };
    }
    case "json":
      return (event) => writeOutput(`${formatJson(event)}\n`);
    case "yaml": {
      const { formatYaml } = await import("../output/format-yaml.ts");
      return (event) => writeOutput(`---\n${formatYaml(event)}`);
    }
  }
}
