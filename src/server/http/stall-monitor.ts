import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";

/** Disconnects peers that do not read the responses to their requests. */
export interface StallMonitor {
  /** Watches a connection until it is closed. */
  watchConnection(socket: Socket): void;
  /** Watches an HTTP/2 stream until it is closed. */
  watchStream(stream: ServerHttp2Stream): void;
}

/** What had been written to a connection at some time, and when that was. */
interface Mark {
  bytes: number;
  time: number;
}

/** The key of the time at which the monitor first saw that a stream has a response. */
const respondedAt = Symbol("responded at");

interface WatchedStream extends ServerHttp2Stream {
  [respondedAt]?: number;
}

/**
 * Creates a monitor that allows a peer `timeoutMs` milliseconds to read what has been written, no
 * matter how much of it the peer has read by then. After that, the connection is destroyed. An HTTP/2
 * stream whose response the peer does not accept for as long is reset. `onStall` is called for each
 * of these connections and streams.
 *
 * It looks at all connections once a second, and never if there are none, instead of starting a timer
 * for each response. So it may be late by two seconds.
 */
export function createStallMonitor(timeoutMs: number, onStall: () => void): StallMonitor {
  const marks = new Map<Socket, Mark>();
  const streams = new Set<WatchedStream>();
  const intervalMs = Math.min(1000, timeoutMs / 2);
  let timer: NodeJS.Timeout | undefined;

  function sweep(): void {
    const now = performance.now();
    for (const [socket, mark] of marks) {
      if (isConnectionStalled(socket, mark, now)) {
        onStall();
        socket.destroy();
      }
    }
    for (const stream of streams) {
      if (isStreamStalled(stream, now)) {
        onStall();
        stream.close(constants.NGHTTP2_CANCEL);
      }
    }
  }

  function isConnectionStalled(socket: Socket, mark: Mark, now: number): boolean {
    const unsent = unsentBytes(socket);
    // Everything that had been written at the time of the mark has been sent since.
    if (unsent === 0 || socket.bytesWritten - unsent >= mark.bytes) {
      mark.bytes = unsent === 0 ? 0 : socket.bytesWritten;
      mark.time = now;
    }
    return now - mark.time > timeoutMs;
  }

  function isStreamStalled(stream: WatchedStream, now: number): boolean {
    if (stream.headersSent) {
      stream[respondedAt] ??= now;
    }
    return !stream.closed && now - (stream[respondedAt] ?? now) > timeoutMs;
  }

  function onStreamClose(this: ServerHttp2Stream): void {
    streams.delete(this);
  }

  return {
    watchConnection(socket) {
      marks.set(socket, { bytes: 0, time: 0 });
      timer ??= setInterval(sweep, intervalMs).unref();
      socket.once("close", () => {
        marks.delete(socket);
        if (marks.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
      });
    },
    watchStream(stream) {
      streams.add(stream);
      stream.on("close", onStreamClose);
    },
  };
}

/** Returns the number of bytes that have been written to a connection and are not yet sent. */
function unsentBytes(socket: Socket): number {
  // An HTTP/2 session writes to the handle directly. There is no public way to learn what is waiting
  // there.
  const { _handle: handle } = socket as Socket & { _handle?: { writeQueueSize?: number } | null };
  return Math.max(socket.writableLength, handle?.writeQueueSize ?? 0);
}
