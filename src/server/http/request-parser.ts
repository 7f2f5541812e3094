import type { RequestHead } from "./exchange.ts";

/** A request that has been received completely, body included. */
export interface BufferedRequest extends RequestHead {
  /** The body. Each character is one byte (`latin1`). */
  readonly body: string;
}

/**
 * A request line (RFC 9112, section 3). The target is a path with an optional query, of characters
 * that every parser reads the same way.
 */
const requestLine = /(GET|POST) (\/[\w./?&=%~!*'()-]*) HTTP\/1\.1\r\n/y;

/**
 * A header line (RFC 9112, section 5). The value is printable ASCII, with no leading or trailing
 * spaces.
 */
const headerLine = /([A-Za-z\d-]+): ?([!-~](?:[ -~]*[!-~])?)\r\n/y;

/** Headers that change the message framing, or what happens to the connection. */
const unsupportedHeaders = new Set(["transfer-encoding", "expect", "upgrade", "proxy-connection"]);

/**
 * The maximum number of headers of a simple request. Parsing them takes about a quarter of a
 * microsecond each. Node.js decides about requests with more; it rejects more than 1000.
 */
const maxHeaders = 100;

/**
 * Creates a request parser for one connection. It parses a chunk that is exactly one HTTP/1.1
 * request, and only a simple one: unambiguous, and with the connection kept alive after it. It
 * returns undefined for everything else, valid or not, and leaves that to Node.js.
 */
export function createRequestParser(): (bytes: Buffer) => BufferedRequest | undefined {
  // Most clients repeat the same head. Comparing it takes a tenth of the time of parsing it. The
  // cache leaks no secrets through timing: a head equals the previous one of this connection as a
  // whole, or is parsed from scratch.
  let last: { readonly text: string; readonly head: ParsedHead | undefined } | undefined;

  return (bytes) => {
    const text = bytes.toString("latin1");
    const end = text.indexOf("\r\n\r\n") + 2;
    const headText = text.slice(0, end);
    if (last?.text !== headText) {
      last = { text: headText, head: parseHead(headText) };
    }
    const { head } = last;
    const body = text.slice(end + 2);
    if (head === undefined || head.bodyLength !== body.length) {
      return undefined;
    }
    const { method, url, headers, authority } = head;
    return { method, url, headers, authority, body };
  };
}

interface ParsedHead extends RequestHead {
  /** The length of the body that follows, in bytes. */
  readonly bodyLength: number;
}

/** Parses the lines of a head. Each line must end with CRLF. */
function parseHead(text: string): ParsedHead | undefined {
  requestLine.lastIndex = 0;
  const line = requestLine.exec(text);
  if (line === null) {
    return undefined;
  }
  const [, method = "", url = ""] = line;
  const headers: Record<string, string> = Object.create(null);
  let at = requestLine.lastIndex;
  for (let count = 0; at < text.length; count++) {
    headerLine.lastIndex = at;
    const [, rawName = "", value = ""] = headerLine.exec(text) ?? [];
    const name = rawName.toLowerCase();
    const isSimple = name !== "" && !unsupportedHeaders.has(name) && headers[name] === undefined;
    if (!isSimple || count === maxHeaders) {
      return undefined;
    }
    headers[name] = value;
    at = headerLine.lastIndex;
  }
  const { connection = "keep-alive", "content-length": length } = headers;
  const hasBody = method === "POST";
  return connection.toLowerCase() === "keep-alive" &&
    (hasBody ? /^\d+$/.test(length ?? "") : length === undefined)
    ? { method, url, headers, authority: headers.host, bodyLength: Number(length ?? 0) }
    : undefined;
}
