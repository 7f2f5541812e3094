import { Code, type ConnectError } from "@connectrpc/connect";
import type { Runner } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { codeName } from "../../client/connect-error.ts";
import { pollRunner } from "../../client/poll-runner.ts";
import { heartbeatAgeMs } from "../../runner/heartbeat.ts";
import type { PollingOptions } from "../fetch-runner.ts";
import { createInterruptSignal } from "../interrupt-signal.ts";
import { onReaderClosed } from "../output/closed-reader.ts";
import { formatJson } from "../output/format-json.ts";
import { formatAge } from "../output/format-time.ts";
import { canRedraw, canShowColors, type OutputOptions } from "../output/print.ts";
import { writeOutput } from "../output/standard-output.ts";
import { createStatusLine, type StatusPart } from "../output/status-line.ts";
import { healthRow, phaseRow } from "../output/status-report.ts";
import { createWatchEventDetector, type WatchEvent } from "../output/watch-event.ts";
import { renderWatchEvent } from "../output/watch-line.ts";
import { createRunnerClientFromOptions } from "../runner-client-from-options.ts";

/**
 * `runnerctl watch ID`: prints each change of a runner until the runner is deleted
 * or the user presses Ctrl-C. Text output on a terminal also has a status line
 * with the state of the runner.
 *
 * Transient errors are printed and retried. Throws a ConnectError if the runner
 * does not exist at the start, or for a permanent error.
 */
export async function watch(runnerId: string, options: PollingOptions): Promise<void> {
  const signal = createInterruptSignal();
  onReaderClosed(() => process.exit());
  const client = await createRunnerClientFromOptions(options);
  const print = await createEventPrinter(options);
  const detectEvents = createWatchEventDetector();
  let lastSeen: Snapshot | undefined;
  let lastError: ConnectError | undefined;
  using line = createStatusLine(() => statusParts(lastSeen, lastError, new Date()), {
    color: options.color,
    enabled: options.output === "text" && canRedraw(process.stdout),
  });
  const { interval: intervalMs, timeout: callTimeoutMs } = options;
  for await (const poll of pollRunner(client, runnerId, { intervalMs, callTimeoutMs, signal })) {
    const { runner, error } = poll;
    const isDeleted = error?.code === Code.NotFound;
    if (isDeleted && lastSeen === undefined) {
      throw error;
    }
    const at = new Date();
    lastSeen = runner === undefined ? lastSeen : { runner, at };
    lastError = error;
    for (const event of detectEvents(poll, at)) {
      line.printAbove(() => print(event));
    }
    if (isDeleted) {
      return;
    }
  }
}

/** The state of a runner at a time. */
interface Snapshot {
  readonly runner: Runner;
  readonly at: Date;
}

function statusParts(
  lastSeen: Snapshot | undefined,
  lastError: ConnectError | undefined,
  now: Date,
): StatusPart[] {
  // Only the code: the line of the error event has the message.
  const errorParts: StatusPart[] =
    lastError === undefined ? [] : [{ text: `error: ${codeName(lastError.code)}`, color: "red" }];
  if (lastSeen === undefined) {
    return [{ text: "no response yet" }, ...errorParts];
  }
  const { runner, at } = lastSeen;
  const heartbeatMs = heartbeatAgeMs(runner, now);
  const [phase, health] = [phaseRow(runner), healthRow(runner, at)];
  return [
    { text: `phase ${phase.text}`, color: phase.color },
    { text: `health ${health.text}`, color: health.color },
    { text: heartbeatMs === undefined ? "no heartbeat" : `heartbeat ${formatAge(heartbeatMs)}` },
    { text: `seen ${formatAge(now.getTime() - at.getTime())}` },
    ...errorParts,
  ];
}

/**
 * Creates a function that prints events. Text output has errors and recoveries on
 * standard error; JSON and YAML have all events on standard output.
 */
async function createEventPrinter({
  output,
  color,
}: OutputOptions): Promise<(event: WatchEvent) => void> {
  switch (output) {
    case "text":
      return (event) => {
        const isAboutErrors = event.type === "error" || event.type === "recovered";
        const stream = isAboutErrors ? process.stderr : process.stdout;
        const text = renderWatchEvent(event, color && canShowColors(stream));
        isAboutErrors ? process.stderr.write(text) : writeOutput(text);
      };
    case "json":
      return (event) => writeOutput(`${formatJson(event)}\n`);
    case "yaml": {
      const { formatYaml } = await import("../output/format-yaml.ts");
      return (event) => writeOutput(`---\n${formatYaml(event)}`);
    }
  }
}
