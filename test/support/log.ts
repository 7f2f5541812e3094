import { Writable } from "node:stream";
import { type Logger, pino } from "pino";

/** Returns a logger and the lines that it writes. */
export function createLog(): { lines: Record<string, unknown>[]; logger: Logger } {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { lines, logger: pino({ level: "trace" }, stream) };
}
