import { open } from "node:fs/promises";

/** How much of a file is read at a time, in bytes. It grows with the lines. */
const pieceSize = 1 << 20;

const newline = "\n".charCodeAt(0);

/**
 * Reads the lines of a UTF-8 file, each without its newline. What follows the last newline is a line,
 * too, if it is not empty.
 *
 * It has one line at a time in V8's heap: a line that is a slice of a longer string would keep all of it.
 *
 * `onBytes` hears all bytes of the file; they are others once it has returned. Throws the TypeError of a
 * `TextDecoder` when the file is no UTF-8.
 */
export async function* readLines(
  path: string,
  onBytes: (bytes: Uint8Array) => void,
): AsyncGenerator<string> {
  const file = await open(path);
  try {
    // A file may begin with a byte order mark; in any other line it is no space.
    let decoder = new TextDecoder("utf-8", { fatal: true });
    const decode = (bytes: Buffer) => {
      const line = decoder.decode(bytes);
      if (!decoder.ignoreBOM) {
        decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      }
      return line;
    };
    let piece = Buffer.allocUnsafeSlow(pieceSize);
    let length = 0;
    for (;;) {
      if (length === piece.length) {
        piece = Buffer.concat([piece], 2 * piece.length);
      }
      const { bytesRead } = await file.read(piece, length, piece.length - length);
      if (bytesRead === 0) {
        break;
      }
      onBytes(piece.subarray(length, length + bytesRead));
      let start = 0;
      let end = piece.indexOf(newline, length);
      length += bytesRead;
      while (end !== -1 && end < length) {
        yield decode(piece.subarray(start, end));
        start = end + 1;
        end = piece.indexOf(newline, start);
      }
      piece.copyWithin(0, start, length);
      length -= start;
    }
    if (length > 0) {
      yield decode(piece.subarray(0, length));
    }
  } finally {
    await file.close();
  }
}
