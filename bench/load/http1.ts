import { connect } from "node:net";
import type { Answer, Connection } from "./connection.ts";

/**
 * Opens an HTTP/1.1 connection, for one call at a time. `next` gives the bytes
 * of the next request; they have to stay the same until its answer is there.
 *
 * It does as little as it can, so that the server is what is measured: requests
 * are ready to be sent, and of answers it reads only status and length.
 */
export function openHttp1(
  port: number,
  next: () => Buffer,
  onAnswer: (answer: Answer) => void,
): Promise<Connection> {
  return new Promise((resolve) => {
    const read = createAnswerReader(onAnswer);
    let closed = false;
    const socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: Buffer.alloc(64 * 1024),
        callback(length, bytes) {
          read((bytes as Buffer).subarray(0, length));
          return true;
        },
      },
    });
    socket.once("connect", () =>
      resolve({
        send: () => socket.write(next()),
        close() {
          closed = true;
          socket.destroy();
        },
      }),
    );
    socket.once("close", () => {
      if (!closed) {
        throw new Error("the server closed a connection");
      }
    });
  });
}

/** Creates what takes the bytes of a connection as they come, and tells of each answer in them. */
export function createAnswerReader(onAnswer: (answer: Answer) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let answer = parseAnswer(bytes); answer !== undefined; answer = parseAnswer(bytes)) {
      bytes = bytes.subarray(answer.end);
      onAnswer(answer);
    }
    // The chunk is overwritten by the next one.
    rest = Buffer.from(bytes);
  };
}

const endOfHead = Buffer.from("\r\n\r\n");
const endOfLine = Buffer.from("\r\n");

/** Parses the first answer in `bytes`; undefined when not all of it is there. */
function parseAnswer(bytes: Buffer): (Answer & { readonly end: number }) | undefined {
  const headLength = bytes.indexOf(endOfHead);
  if (headLength < 0) {
    return undefined;
  }
  const head = bytes.toString("latin1", 0, headLength);
  const status = Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
  const bodyStart = headLength + endOfHead.length;
  const [, contentLength] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (contentLength === undefined) {
    return parseChunks(bytes, bodyStart, status);
  }
  const bodyLength = Number(contentLength);
  const end = bodyStart + bodyLength;
  return end <= bytes.length ? { status, bodyLength, end } : undefined;
}

function parseChunks(bytes: Buffer, bodyStart: number, status: number) {
  let bodyLength = 0;
  let end = bodyStart;
  for (;;) {
    const lineEnd = bytes.indexOf(endOfLine, end);
    if (lineEnd < 0) {
      return undefined;
    }
    const length = Number.parseInt(bytes.toString("latin1", end, lineEnd), 16);
    if (Number.isNaN(length)) {
      throw new Error("an answer has neither a length nor chunks");
    }
    end = lineEnd + endOfLine.length + length + endOfLine.length;
    if (end > bytes.length) {
      return undefined;
    }
    if (length === 0) {
      return { status, bodyLength, end };
    }
    bodyLength += length;
  }
}
