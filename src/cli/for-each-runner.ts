import { exitCodeFor, raiseExitCode } from "./exit-code.ts";
import { formatError } from "./output/error-line.ts";
import { writeError } from "./output/standard-error.ts";

/**
 * Runs `run` for each runner, concurrently. Rejects with the error of a single runner. If there
 * are several, an error of one does not affect the others: it is written with the ID of its
 * runner, and the exit code of the process is the greatest of all.
 */
export async function forEachRunner(
  runnerIds: readonly string[],
  run: (runnerId: string) => Promise<void>,
  write?: (line: string) => void,
): Promise<void> {
  const isSingle = runnerIds.length === 1;
  await Promise.all(
    runnerIds.map((runnerId) =>
      run(runnerId).catch((error) => {
        if (isSingle) {
          throw error;
        }
        return reportError(runnerId, error, write);
      }),
    ),
  );
}

/**
 * Loads a value for each runner, concurrently, and passes the values to `print` in the order of
 * `runnerIds`. Errors of `load` are treated like those in {@link forEachRunner}, and written in
 * that order, too.
 */
export async function printEachRunner<Value>(
  runnerIds: readonly string[],
  load: (runnerId: string) => Promise<Value>,
  print: (value: Value, runnerId: string) => Promise<void>,
): Promise<void> {
  const isSingle = runnerIds.length === 1;
  const outcomes = runnerIds.map((runnerId) =>
    load(runnerId).then(
      (value) => () => print(value, runnerId),
      (error) => {
        if (isSingle) {
          throw error;
        }
        return () => reportError(runnerId, error);
      },
    ),
  );
  for (const outcome of outcomes) {
    const finish = await outcome;
    await finish();
  }
}

async function reportError(
  runnerId: string,
  error: unknown,
  write: (line: string) => void = writeError,
): Promise<void> {
  raiseExitCode(exitCodeFor(error));
  write(`runnerctl: ${runnerId}: ${await formatError(error)}\n`);
}
