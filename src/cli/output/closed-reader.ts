import { constants, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";

/**
 * Calls `onClosed` when the reader of standard output has closed the pipe, as `head` does, even if
 * nothing is written. Does nothing if standard output is not a pipe, or the system is not Linux:
 * there, only the next write fails.
 */
export function onReaderClosed(onClosed: () => void): void {
  if (process.platform !== "linux" || !fstatSync(process.stdout.fd).isFIFO()) {
    return;
  }
  try {
    // Polling the pipe reports the closed reader as an error. The handle that Node.js has for pipes
    // polls only those that it can read from. The one for TCP polls anything.
    const { TCP, constants: types } = (process as unknown as ProcessWithBinding).binding(
      "tcp_wrap",
    );
    const handle = new TCP(types.SOCKET);
    // Opened again, because each descriptor can only have one handle.
    handle.open(openSync("/proc/self/fd/1", constants.O_WRONLY | constants.O_NONBLOCK));
    const socket = new Socket({ handle, readable: true, writable: false } as object);
    socket.on("error", () => {}).on("close", onClosed);
    socket.unref().resume();
  } catch {
    // Another version of Node.js may not have the handle, and a sandbox may have no /proc.
  }
}

/** The internals of Node.js that {@link onReaderClosed} needs. */
interface ProcessWithBinding {
  binding(name: "tcp_wrap"): {
    readonly TCP: new (type: number) => { open(fd: number): number };
    readonly constants: { readonly SOCKET: number };
  };
}
