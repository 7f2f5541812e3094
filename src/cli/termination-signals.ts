import { constants } from "node:os";

/** The signals with which terminals, supervisors and containers end a process. */
export const terminationSignals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;

let terminate: (exitCode: number) => void = (exitCode) => process.exit(exitCode);

/**
 * Ends the process on any of the {@link terminationSignals}, with the exit code that shells give to
 * it: 128 plus the number of the signal, such as 130 for Ctrl-C.
 *
 * Call it as early as possible. Without a handler, a process that is PID 1, as in a container, is
 * not ended by these signals.
 */
export function exitOnTerminationSignals(): void {
  for (const name of terminationSignals) {
    process.on(name, () => terminate(128 + constants.signals[name]));
  }
}

/**
 * Creates an abort signal for commands that have something to do before they end, such as cleaning
 * up the terminal. The first termination signal aborts it and sets the exit code of the process,
 * unless `exitCode` is given. A second one ends the process at once.
 */
export function createTerminationSignal({ exitCode }: { exitCode?: number } = {}): AbortSignal {
  const controller = new AbortController();
  const exit = terminate;
  terminate = (signalExitCode) => {
    terminate = exit;
    process.exitCode = exitCode ?? signalExitCode;
    controller.abort();
  };
  return controller.signal;
}

/** Resolves after `ms` milliseconds, or at the next termination signal, which has no other effect. */
export async function delayUntilTerminationSignal(ms: number): Promise<void> {
  const exit = terminate;
  const { promise, resolve } = Promise.withResolvers<void>();
  terminate = () => resolve();
  const timer = setTimeout(resolve, ms);
  await promise;
  clearTimeout(timer);
  terminate = exit;
}
