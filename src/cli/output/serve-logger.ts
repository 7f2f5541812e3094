import { type Logger, pino } from "pino";

/**
 * Creates the logger of `runnerctl serve`. It writes to standard error:
 * human-readable lines on a terminal, JSON otherwise.
 */
export async function createServeLogger(level: string): Promise<Logger> {
  if (!process.stderr.isTTY) {
    return pino({ level, base: null }, pino.destination({ dest: 2, sync: false }));
  }
  const { default: pretty } = await import("pino-pretty");
  const colorize = process.env.NO_COLOR === undefined || process.env.NO_COLOR === "";
  return pino(
    { level, base: null },
    pretty({ destination: 2, colorize, translateTime: "SYS:HH:MM:ss.l", singleLine: true }),
  );
}
