import { type Logger, pino } from "pino";
import { Counter, type Registry } from "prom-client";
import { sanitize, sanitizeJson } from "../../runner/sanitize.ts";
import { createBackgroundWriter } from "./background-writer.ts";
import { formatCount } from "./format-count.ts";

/**
 * Creates the logger of `runnerctl serve`. It writes to standard error: human-readable lines on a
 * terminal, JSON otherwise. Text from outside, such as the ID in a request, is sanitized on a
 * terminal and escaped in JSON.
 *
 * The server does not depend on its log: lines that cannot be written, or are not read, are
 * dropped. They are counted in `registry`, and in the log as soon as it can be written again.
 */
export async function createServeLogger(level: string, registry: Registry): Promise<Logger> {
  const streamWrite = process.stderr.isTTY ? await createPrettyFormatter() : escapeLine;
  const writer = createBackgroundWriter(process.stderr.fd, {
    maxBytes: maxQueuedBytes,
    formatDropped,
  });
  // A logger of its own, which only formats the line for the writer.
  let report = "";
  const reporter = pino(
    { base: null, hooks: { streamWrite } },
    { write: (line) => (report = line) },
  );
  function formatDropped(dropped: number): string {
    reporter.warn({ dropped }, `${formatCount(dropped, "log line")} dropped`);
    return report;
  }
  new Counter({
    name: "runner_server_log_lines_dropped_total",
    help: "Number of log lines that were dropped, because they could not be written or were not read.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(writer.droppedLines);
    },
  });
  return pino({ level, base: null, hooks: { streamWrite } }, writer);
}

/** The limit of the lines that wait until standard error accepts them: some seconds of a busy log. */
const maxQueuedBytes = 4 * 1024 * 1024;

/** Most lines are ASCII. These two calls are several times faster than matching a pattern. */
function escapeLine(line: string): string {
  const isAscii = Buffer.byteLength(line) === line.length;
  return isAscii && !line.includes("\x7f") ? line : sanitizeJson(line);
}

async function createPrettyFormatter(): Promise<(line: string) => string> {
  const { prettyFactory } = await import("pino-pretty");
  const colorize = process.env.NO_COLOR === undefined || process.env.NO_COLOR === "";
  const format = prettyFactory({ colorize, translateTime: "SYS:HH:MM:ss.l", singleLine: true });
  return (line) => format(sanitizeStrings(JSON.parse(line)) as object);
}

/** Returns a copy of a value with all strings in it sanitized. Only stack traces keep their lines. */
function sanitizeStrings(value: unknown, key = ""): unknown {
  if (typeof value === "string") {
    const lines = key === "stack" ? value.split("\n") : [value];
    return lines.map((line) => `${/^ */.exec(line)?.[0]}${sanitize(line)}`).join("\n");
  }
  if (Array.isArray(value)) {
    return value.map((item) => sanitizeStrings(item));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([name, item]) => [sanitize(name), sanitizeStrings(item, name)]),
    );
  }
  return value;
}
