import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { FileRunnerStoreEvent } from "../fixture/file-runner-store-event.ts";
import { formatDiagnostic } from "../fixture/fixture-diagnostic.ts";
import { formatCount } from "./output/format-count.ts";

/**
 * Creates an event listener for a FileRunnerStore. It logs each event to
 * `logger` and updates metrics in `registry`.
 */
export function createFileStoreObserver(
  logger: Logger,
  registry: Registry,
): (event: FileRunnerStoreEvent) => void {
  const registers = [registry];
  const runners = new Gauge({
    name: "runner_server_runners",
    help: "Number of runners served.",
    registers,
  });
  const reloads = new Counter({
    name: "runner_server_reloads_total",
    help: "Reloads of the fixture files, by result: good (now served) or bad (rejected).",
    labelNames: ["result"],
    registers,
  });
  const stale = new Gauge({
    name: "runner_server_stale_files",
    help: "Number of fixture files whose current content is not served, because it was rejected.",
    registers,
  });
  reloads.inc({ result: "good" }, 0);
  reloads.inc({ result: "bad" }, 0);

  return (event) => {
    switch (event.type) {
      case "loading": {
        const { type, ...fields } = event;
        logger.info(fields, `loading: ${formatCount(event.runners, "runner")} so far`);
        break;
      }
      case "loaded": {
        const { files, milliseconds } = event;
        runners.set(event.runners);
        logger.debug(
          { runners: event.runners, files, milliseconds: Math.round(milliseconds) },
          `loaded ${formatCount(event.runners, "runner")} from ${formatCount(files, "file")}`,
        );
        break;
      }
      case "reloaded": {
        const { added, changed, removed, milliseconds } = event;
        runners.set(event.runners);
        stale.set(event.stale);
        reloads.inc({ result: "good" });
        logger.info(
          {
            runners: event.runners,
            stale: event.stale,
            milliseconds: Math.round(milliseconds),
            added: summarize(added),
            changed: summarize(changed),
            removed: summarize(removed),
          },
          `reloaded: ${formatCount(event.runners, "runner")}`,
        );
        break;
      }
      case "rejected":
        stale.set(event.stale);
        reloads.inc({ result: "bad" });
        for (const diagnostic of event.diagnostics) {
          logger.error(`not reloaded: ${formatDiagnostic(diagnostic)}`);
        }
        break;
      case "warned":
        for (const warning of event.warnings) {
          logger.warn(formatDiagnostic(warning));
        }
        break;
      case "unwatched":
        logger.error({ err: event.error }, "changes of the fixture files may be noticed late");
        break;
    }
  };
}

/** The number of IDs in the log of a change. Thousands of runners may change at once. */
const maxIds = 5;

function summarize(ids: readonly string[]): { count: number; first: readonly string[] } {
  return { count: ids.length, first: ids.slice(0, maxIds) };
}
