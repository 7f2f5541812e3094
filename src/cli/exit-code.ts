import { Code, ConnectError } from "@connectrpc/connect";
import { UsageError } from "./usage-error.ts";

/**
 * The exit codes of runnerctl. Scripts depend on them. A process that a signal ends has another one,
 * see `exitOnTerminationSignals`.
 */
export const ExitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  runnerNotFound: 3,
  notPermitted: 4,
  conditionNotMet: 5,
  unreachable: 6,
} as const;

/** Sets the exit code of the process, unless it is greater already: several runners may fail. */
export function raiseExitCode(code: number): void {
  process.exitCode = Math.max(code, Number(process.exitCode ?? 0));
}

/** Returns the exit code for an error that a command threw. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof UsageError) {
    return ExitCode.usage;
  }
  if (!(error instanceof ConnectError)) {
    return ExitCode.failed;
  }
  switch (error.code) {
    case Code.InvalidArgument:
      return ExitCode.usage;
    case Code.NotFound:
      return ExitCode.runnerNotFound;
    case Code.Unauthenticated:
    case Code.PermissionDenied:
      return ExitCode.notPermitted;
    case Code.Unavailable:
    case Code.DeadlineExceeded:
      return ExitCode.unreachable;
    case Code.FailedPrecondition:
      // If the server did not send it, it is about the connection, such as an expired certificate.
      return error.isWireError ? ExitCode.failed : ExitCode.unreachable;
    default:
      return ExitCode.failed;
  }
}
