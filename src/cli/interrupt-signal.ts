import { ExitCode } from "./exit-code.ts";

/**
 * Creates an abort signal for long-running commands. The first Ctrl-C (SIGINT)
 * aborts the signal and sets the exit code, so that the command can clean up the
 * terminal. A second Ctrl-C kills the process at once.
 */
export function createInterruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => {
    process.exitCode = ExitCode.interrupted;
    controller.abort();
  });
  return controller.signal;
}
