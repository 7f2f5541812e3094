import { write, writeSync } from "node:fs";

/** Writes text to a file descriptor in the background. */
export interface BackgroundWriter {
  write(text: string): void;
}

/** The delay after which to try again to write to a full pipe, in milliseconds. */
const retryDelayMs = 50;

/**
 * Creates a writer that never blocks or fails: text that cannot be written is lost, and so is text
 * that would exceed a backlog of `maxLength` characters. What is left when the process exits is
 * written then.
 *
 * Unlike pino's own destination, it does not wait for a full disk to have space before the process
 * can exit.
 */
export function createBackgroundWriter(fd: number, maxLength: number): BackgroundWriter {
  let backlog = "";
  let writing = Buffer.alloc(0);
  let isRetrying = false;

  const writeNext = () => {
    isRetrying = false;
    write(fd, writing, onWritten);
  };
  const onWritten = (error: NodeJS.ErrnoException | null, count: number) => {
    if (error?.code === "EAGAIN") {
      isRetrying = true;
      setTimeout(writeNext, retryDelayMs).unref();
      return;
    }
    writing = error === null ? writing.subarray(count) : Buffer.alloc(0);
    if (writing.length === 0 && backlog !== "") {
      writing = Buffer.from(backlog);
      backlog = "";
    }
    if (writing.length > 0) {
      writeNext();
    }
  };
  process.on("exit", () => {
    try {
      writeSync(fd, isRetrying ? `${writing}${backlog}` : backlog);
    } catch {
      // There is nowhere else to write it.
    }
  });
  return {
    write(text) {
      if (writing.length === 0) {
        writing = Buffer.from(text);
        writeNext();
      } else if (backlog.length + text.length <= maxLength) {
        backlog += text;
      }
    },
  };
}
