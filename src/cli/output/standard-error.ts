/** Writes text to standard error. If that fails, there is nowhere to say so. */
export function writeError(text: string): void {
  // Not at the start: creating the stream takes a noticeable part of a short command.
  if (process.stderr.listenerCount("error") === 0) {
    process.stderr.on("error", () => {});
  }
  process.stderr.write(text);
}
