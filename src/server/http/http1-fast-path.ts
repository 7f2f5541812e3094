import type { Socket } from "node:net";
import type { ServerLimits } from "./limits.ts";
import { type BufferedRequest, createRequestParser } from "./request-parser.ts";

/** An answer that is at hand, with success. */
export interface CachedResponse {
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** The body: each character is one byte (`latin1`). */
  readonly body: string;
}

/** Answers a request, if the answer is at hand. */
export type FindCachedResponse = (request: BufferedRequest) => CachedResponse | undefined;

/**
 * Serves an HTTP/1.1 connection for as long as every request comes in one piece, when the answer to
 * the one before is out, and `answer` has an answer to it. The first for which that is not so it
 * hands over, connection and all and with not a byte read, and `serve` serves them from there on.
 *
 * It spares such requests what Node.js does for all others: a stream each way, a parser for pieces,
 * a queue of answers. That is half of the time that a call takes.
 */
export function serveHttp1FastPath(
  socket: Socket,
  limits: ServerLimits,
  answer: FindCachedResponse,
  serve: () => void,
): void {
  const keepAlive = `timeout=${Math.floor(limits.idleTimeoutMs / 1000)}`;
  const parse = createRequestParser();
  let isNew = true;

  const onData = (bytes: Buffer) => {
    const mayAnswer = bytes.length <= limits.maxHeaderBytes && socket.writableLength === 0;
    const request = mayAnswer ? parse(bytes) : undefined;
    const found = request && answer(request);
    if (found === undefined) {
      handOver(bytes);
      return;
    }
    let head = "HTTP/1.1 200 OK\r\n";
    for (let at = 0; at < found.headers.length; at += 2) {
      head += `${found.headers[at]}: ${found.headers[at + 1]}\r\n`;
    }
    head += `Date: ${dateNow()}\r\nConnection: keep-alive\r\nKeep-Alive: ${keepAlive}\r\n\r\n`;
    socket.write(head + found.body, "latin1");
    if (isNew) {
      isNew = false;
      socket.setTimeout(limits.idleTimeoutMs);
    }
  };
  const onEnd = () => socket.end();
  const giveUp = () => socket.destroy();

  function handOver(bytes: Buffer): void {
    socket.off("data", onData).off("end", onEnd).off("error", giveUp).off("timeout", giveUp);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(bytes);
    serve();
    socket.resume();
  }

  socket.setTimeout(limits.headersTimeoutMs);
  socket.on("data", onData).on("end", onEnd).on("error", giveUp).on("timeout", giveUp);
}

let second = 0;
let date = "";

/** The time as headers have it (RFC 9110, section 5.6.7), made once a second. */
function dateNow(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = new Date(now * 1000).toUTCString();
  }
  return date;
}
