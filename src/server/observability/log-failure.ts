/**
 * Warns that a log line could not be written, because the logger has thrown an error. The logger may
 * be the caller's own; its mistakes must fail neither a call nor the process.
 */
export function warnOfLogFailure(error: unknown): void {
  process.emitWarning(`a log line could not be written: ${error}`);
}
