import { Code, type ConnectError } from "@connectrpc/connect";
import type { Runner } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { codeName } from "../../client/connect-error.ts";
import { pollRunner } from "../../client/poll-runner.ts";
import { heartbeatAgeMs } from "../../runner/heartbeat.ts";
import type { PollingOptions } from "../fetch-runner.ts";
import { createInterruptSignal } from "../interrupt-signal.ts";
import { formatAge } from "../output/format-time.ts";
import { canRedraw, canShowColors, type OutputOptions } from "../output/print.ts";
import { createStatusLine, type StatusPart } from "../output/status-line.ts";
import { healthRow, phaseRow } from "../output/status-report.ts";
import { createWatchEvents, type WatchEvent } from "../output/watch-event.ts";
import { renderWatchEvent } from "../output/watch-line.ts";
import { createRunnerClientFromOptions } from "../runner-client-from-options.ts";

/**
 * `runnerctl watch ID`: prints a line for each change of a runner, until it is
 * deleted or the user interrupts. Rides out errors that may pass. For people,
 * on a terminal, a last line tells how the runner is, and since when that is known.
 *
 * Throws a ConnectError when there is no such runner to begin with, and for
 * what asking again does not mend.
 */
export async function watch(runnerId: string, options: PollingOptions): Promise<void> {
  const signal = createInterruptSignal();
  const client = await createRunnerClientFromOptions(options);
  const print = await createEventPrinter(options);
  const eventsOf = createWatchEvents();
  let seen: Seen | undefined;
  let trouble: ConnectError | undefined;
  using line = createStatusLine(() => statusParts(seen, trouble, new Date()), {
    color: options.color,
    live: options.output === "text" && canRedraw(process.stdout),
  });
  const { interval: intervalMs, timeout: callTimeoutMs } = options;
  for await (const poll of pollRunner(client, runnerId, { intervalMs, callTimeoutMs, signal })) {
    const { runner, error } = poll;
    const isGone = error?.code === Code.NotFound;
    if (isGone && seen === undefined) {
      throw error;
    }
    const at = new Date();
    seen = runner === undefined ? seen : { runner, at };
    trouble = error;
    for (const event of eventsOf(poll, at)) {
      line.around(() => print(event));
    }
    if (isGone) {
      return;
    }
  }
}

/** A runner, and when it was so. */
interface Seen {
  readonly runner: Runner;
  readonly at: Date;
}

function statusParts(
  seen: Seen | undefined,
  trouble: ConnectError | undefined,
  now: Date,
): StatusPart[] {
  // The line that told the trouble has the whole of it.
  const troubles: StatusPart[] =
    trouble === undefined ? [] : [{ text: `trouble: ${codeName(trouble.code)}`, color: "red" }];
  if (seen === undefined) {
    return [{ text: "no answer yet" }, ...troubles];
  }
  const { runner, at } = seen;
  const heartbeatMs = heartbeatAgeMs(runner, now);
  const [phase, health] = [phaseRow(runner), healthRow(runner, at)];
  return [
    { text: `phase ${phase.text}`, color: phase.color },
    { text: `health ${health.text}`, color: health.color },
    { text: heartbeatMs === undefined ? "no heartbeat" : `heartbeat ${formatAge(heartbeatMs)}` },
    { text: `seen ${formatAge(now.getTime() - at.getTime())}` },
    ...troubles,
  ];
}

/** Trouble is for standard error, as long as it is people who read. */
async function createEventPrinter({
  output,
  color,
}: OutputOptions): Promise<(event: WatchEvent) => void> {
  switch (output) {
    case "text":
      return (event) => {
        const isTrouble = event.type === "trouble" || event.type === "recovered";
        const stream = isTrouble ? process.stderr : process.stdout;
        stream.write(renderWatchEvent(event, color && canShowColors(stream)));
      };
    case "json":
      return (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
    case "yaml": {
      const { stringify } = await import("yaml");
      return (event) => process.stdout.write(`---\n${stringify(event, { lineWidth: 0 })}`);
    }
  }
}
