import { ExitCode } from "./exit-code.ts";

/**
 * Creates a signal for commands that take their time. The first interrupt
 * (Ctrl-C) aborts it and sets the exit code, so that the command can leave a
 * tidy terminal; a second one ends the process at once.
 */
export function createInterruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => {
    process.exitCode = ExitCode.interrupted;
    controller.abort();
  });
  return controller.signal;
}
