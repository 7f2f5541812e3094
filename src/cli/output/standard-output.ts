import { fstatSync, writeSync } from "node:fs";
import { getSystemErrorMessage } from "node:util";
import { writeError } from "./standard-error.ts";

/** Writes text to standard output. See {@link exitOnFailedWrite} for what happens if it fails. */
export function writeOutput(text: string): void {
  if (!fstatSync(process.stdout.fd).isFile()) {
    process.stdout.write(text);
    return;
  }
  // On a full disk, the start of the text may still fit. The stream of Node.js ignores that.
  try {
    let bytes = Buffer.from(text);
    while (bytes.length > 0) {
      bytes = bytes.subarray(writeSync(process.stdout.fd, bytes));
    }
  } catch (error) {
    process.stdout.emit("error", error);
  }
}

let handleClosedOutput = (): void => process.exit();

/**
 * Calls `onClosed` instead of exiting when the reader of standard output has closed the pipe. For
 * commands whose work is not their output.
 */
export function onClosedOutput(onClosed: () => void): void {
  handleClosedOutput = onClosed;
}

/**
 * Exits if standard output fails. A reader that closes the pipe early, as `head` does, is not an
 * error, and does not change the exit code.
 */
export function exitOnFailedWrite(): void {
  process.stdout.on("error", ({ code, errno }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") {
      handleClosedOutput();
      return;
    }
    const reason = errno === undefined ? code : getSystemErrorMessage(errno);
    writeError(`runnerctl: cannot write to standard output: ${reason}\n`);
    process.exit(1);
  });
}
