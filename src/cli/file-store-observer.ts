import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { FileRunnerStoreEvent } from "../fixture/file-runner-store-event.ts";
import { formatDiagnostic } from "../fixture/fixture-diagnostic.ts";

/**
 * Creates a function that hears what happens with the files of a store, writes
 * it to `logger`, and counts it in `registry`.
 */
export function createFileStoreObserver(
  logger: Logger,
  registry: Registry,
): (event: FileRunnerStoreEvent) => void {
  const registers = [registry];
  const runners = new Gauge({
    name: "runner_server_runners",
    help: "Runners that are served.",
    registers,
  });
  const reloads = new Counter({
    name: "runner_server_reloads_total",
    help: "Changes of the files, by whether they are served (good) or not (bad).",
    labelNames: ["result"],
    registers,
  });
  reloads.inc({ result: "good" }, 0);
  reloads.inc({ result: "bad" }, 0);

  return (event) => {
    const { type, ...facts } = event;
    switch (event.type) {
      case "loading":
        logger.info(facts, `loading: ${event.runners} runners so far`);
        break;
      case "loaded":
        runners.set(event.runners);
        logger.debug(facts, `loaded ${event.runners} runners from ${event.files} files`);
        break;
      case "reloaded":
        runners.set(event.runners);
        reloads.inc({ result: "good" });
        logger.info(facts, `reloaded: ${event.runners} runners`);
        break;
      case "rejected":
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
        logger.error({ err: event.error }, "changes of the files may be missed");
        break;
    }
  };
}
