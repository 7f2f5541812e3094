import type { RequestHead } from "./exchange.ts";

/** A request that came in one piece. Of its body, each character is one byte (`latin1`). */
export interface BufferedRequest extends RequestHead {
  readonly body: string;
}

/** The request line (RFC 9112, section 3), of a target in which every character stands for itself. */
const requestLine = /(GET|POST) (\/[\w./?&=%~!*'()-]*) HTTP\/1\.1\r\n/y;

/** A header (RFC 9112, section 5): of a value, printable ASCII that neither begins nor ends with space. */
const headerLine = /([A-Za-z\d-]+): ?([!-~](?:[ -~]*[!-~])?)\r\n/y;

/** Headers that change what the others mean, or what becomes of the connection. */
const special = new Set(["transfer-encoding", "expect", "upgrade", "proxy-connection"]);

/**
 * Creates a parser for what comes on one connection. It parses bytes that are one HTTP/1.1 request,
 * all of it and nothing else, and a plain one: in which nothing can be read in two ways, and after
 * which the connection stays. It returns undefined for all others, good or bad: Node.js knows what
 * they are.
 */
export function createRequestParser(): (bytes: Buffer) => BufferedRequest | undefined {
  // Most clients say the same of each of their requests, and to see that takes a tenth of the time.
  // It tells nobody more than an answer does: a head is the same as a whole, or read anew.
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
  /** How many bytes follow the head. */
  readonly bodyLength: number;
}

/** Parses all lines of a head, with what ends each. */
function parseHead(text: string): ParsedHead | undefined {
  requestLine.lastIndex = 0;
  const line = requestLine.exec(text);
  if (line === null) {
    return undefined;
  }
  const [, method = "", url = ""] = line;
  const headers: Record<string, string> = Object.create(null);
  let at = requestLine.lastIndex;
  while (at < text.length) {
    headerLine.lastIndex = at;
    const [, givenName = "", value = ""] = headerLine.exec(text) ?? [];
    const name = givenName.toLowerCase();
    if (name === "" || special.has(name) || headers[name] !== undefined) {
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
