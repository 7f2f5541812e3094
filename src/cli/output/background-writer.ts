import { constants, fstatSync, openSync, write, writeSync } from "node:fs";
import { isatty } from "node:tty";

/** Writes lines to a file descriptor in the background. */
export interface BackgroundWriter {
  /** Writes a line, which ends with a line break, or drops it. Never blocks or throws. */
  write(line: string): void;
  /** The number of lines that were dropped. */
  readonly droppedLines: number;
}

/** Options of {@link createBackgroundWriter}. */
export interface BackgroundWriterOptions {
  /** The limit of the lines that wait until they can be written, in bytes. */
  readonly maxBytes: number;
  /** Returns the line that says that `count` lines were dropped, which is written where they are missing. */
  readonly formatDropped: (count: number) => string;
}

/** The delay after which to try again to write to a full pipe, in milliseconds. */
const fullRetryMs = 50;

/** The delay after which to try again when writing has failed, in milliseconds. */
const failedRetryMs = 500;

/**
 * Creates a writer that never blocks or fails. A line is dropped if it cannot be written because
 * the disk is full or the reader is gone, or if the lines that wait for a slow or stuck reader have
 * reached their limit. Lines that wait when the process exits are written then, if possible.
 *
 * Unlike pino's own destination, it does not wait for a full disk to have space before the process
 * can exit.
 */
export function createBackgroundWriter(
  originalFd: number,
  { maxBytes, formatDropped }: BackgroundWriterOptions,
): BackgroundWriter {
  const fd = reopenNonBlocking(originalFd);
  let queue: Entry[] = [];
  let queuedBytes = 0;
  /** The entries that are being written, and their bytes that are left to write. */
  let batch: Entry[] = [];
  let remaining = Buffer.alloc(0);
  let isWriting = false;
  let isWaiting = false;
  /** Whether the last byte that was written is within a line. */
  let isLineOpen = false;
  let droppedLines = 0;
  let unreportedLines = 0;

  const enqueue = (entry: Entry, bytes: number) => {
    queue.push(entry);
    queuedBytes += bytes;
  };
  const enqueueReport = () => {
    if (unreportedLines > 0) {
      const text = formatDropped(unreportedLines);
      enqueue({ text, reportedLines: unreportedLines }, Buffer.byteLength(text));
      unreportedLines = 0;
    }
  };
  const takeBatch = () => {
    enqueueReport();
    batch = queue;
    remaining = Buffer.from(batch.map(({ text }) => text).join(""));
    if (isLineOpen && remaining.length > 0) {
      remaining = Buffer.concat([Buffer.from("\n"), remaining]);
    }
    queue = [];
    queuedBytes = 0;
  };
  const advance = (count: number) => {
    isLineOpen = count > 0 ? remaining[count - 1] !== newline : isLineOpen;
    remaining = remaining.subarray(count);
  };
  /** Drops what is left of the batch: from its end, all entries that were not written completely. */
  const dropBatch = () => {
    for (let bytes = remaining.length; bytes > 0; ) {
      const { text, reportedLines } = batch.pop() ?? { text: "\n", reportedLines: 0 };
      bytes -= Buffer.byteLength(text);
      droppedLines += reportedLines === undefined ? 1 : 0;
      unreportedLines += reportedLines ?? 1;
    }
    remaining = Buffer.alloc(0);
  };
  const flush = () => {
    isWaiting = false;
    if (remaining.length === 0) {
      takeBatch();
    }
    if (remaining.length > 0) {
      isWriting = true;
      write(fd, remaining, onWritten);
    }
  };
  const onWritten = (error: NodeJS.ErrnoException | null, count: number) => {
    isWriting = false;
    if (error === null) {
      advance(count);
      flush();
      return;
    }
    const isFull = error.code === "EAGAIN";
    if (!isFull) {
      dropBatch();
    }
    isWaiting = true;
    setTimeout(flush, isFull ? fullRetryMs : failedRetryMs).unref();
  };

  process.on("exit", () => {
    try {
      // A write that is still running takes care of its batch.
      if (isWriting || remaining.length === 0) {
        takeBatch();
      }
      while (remaining.length > 0) {
        advance(writeSync(fd, remaining));
        if (remaining.length === 0) {
          takeBatch();
        }
      }
    } catch {
      // There is nowhere else to write it.
    }
  });

  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (queuedBytes + bytes > maxBytes) {
        droppedLines += 1;
        unreportedLines += 1;
        return;
      }
      enqueueReport();
      enqueue({ text: line }, bytes);
      if (!isWriting && !isWaiting) {
        flush();
      }
    },
    get droppedLines() {
      return droppedLines;
    },
  };
}

/** A line, or a report that lines were dropped. */
interface Entry {
  readonly text: string;
  /** The number of lines that a report is about. */
  readonly reportedLines?: number;
}

const newline = 0x0a;

/**
 * Opens the pipe or terminal of a descriptor once more, so that writing to it fails instead of
 * blocking while nobody reads. Neither the process nor a thread of it can exit while it is blocked.
 * Returns the descriptor itself if that is neither, or cannot be opened.
 *
 * The flag of the descriptor itself is not ours: other processes share it.
 */
function reopenNonBlocking(fd: number): number {
  try {
    return fstatSync(fd).isFIFO() || isatty(fd)
      ? openSync(
          `/proc/self/fd/${fd}`,
          constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
        )
      : fd;
  } catch {
    // Not every system has /proc. The pipe may belong to another user, or have no reader any more.
    return fd;
  }
}
