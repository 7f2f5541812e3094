import { connect } from "node:net";
import type { Connection, ResponseSummary } from "./connection.ts";

/**
 * Opens an HTTP/1.1 connection for one call at a time. `next` returns the bytes
 * of the next request. They must not change until its response arrives.
 *
 * It does as little as possible, so that the server is the bottleneck: requests
 * are encoded in advance, and only the status and the length of responses are
 * read.
 */
export function openHttp1(
  port: number,
  next: () => Buffer,
  onResponse: (response: ResponseSummary) => void,
): Promise<Connection> {
  return new Promise((resolve) => {
    const parse = createResponseParser(onResponse);
    let closed = false;
    const socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: Buffer.alloc(64 * 1024),
        callback(length, bytes) {
          parse((bytes as Buffer).subarray(0, length));
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

/** Creates a streaming parser, which takes chunks and reports each complete response in them. */
export function createResponseParser(
  onResponse: (response: ResponseSummary) => void,
): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (
      let response = parseResponse(bytes);
      response !== undefined;
      response = parseResponse(bytes)
    ) {
      bytes = bytes.subarray(response.end);
      onResponse(response);
    }
    // A copy: the next chunk overwrites this one.
    rest = Buffer.from(bytes);
  };
}

const endOfHead = Buffer.from("\r\n\r\n");
const endOfLine = Buffer.from("\r\n");

/** Parses the first response in `bytes`; undefined if it is incomplete. */
function parseResponse(bytes: Buffer): (ResponseSummary & { readonly end: number }) | undefined {
  const headLength = bytes.indexOf(endOfHead);
  if (headLength < 0) {
    return undefined;
  }
  const head = bytes.toString("latin1", 0, headLength);
  const status = Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
  const bodyStart = headLength + endOfHead.length;
  const [, contentLength] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (contentLength === undefined) {
    return parseChunkedBody(bytes, bodyStart, status);
  }
  const bodyLength = Number(contentLength);
  const end = bodyStart + bodyLength;
  return end <= bytes.length ? { status, bodyLength, end } : undefined;
}

function parseChunkedBody(bytes: Buffer, bodyStart: number, status: number) {
  let bodyLength = 0;
  let end = bodyStart;
  for (;;) {
    const lineEnd = bytes.indexOf(endOfLine, end);
    if (lineEnd < 0) {
      return undefined;
    }
    const length = Number.parseInt(bytes.toString("latin1", end, lineEnd), 16);
    if (Number.isNaN(length)) {
      throw new Error("a response has neither a content length nor chunks");
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
