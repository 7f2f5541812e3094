/** Runnerctl was called in a wrong way. The message says what was wrong, and what is right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
