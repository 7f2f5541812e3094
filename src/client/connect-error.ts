import type { JsonValue } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { appendHeaders, Code, ConnectError } from "@connectrpc/connect";
import type { HttpResponse } from "./http-client.ts";

/** The header and the trailer of an answer: Connect sends a trailer as a header with a prefix. */
export function headerAndTrailer(answer: HttpResponse): { header: Headers; trailer: Headers } {
  const header = new Headers();
  const trailer = new Headers();
  for (const [name, value] of answer.header) {
    if (name.startsWith("trailer-")) {
      trailer.append(name.slice("trailer-".length), value);
    } else {
      header.append(name, value);
    }
  }
  return { header, trailer };
}

function metadataOf(answer: HttpResponse): Headers {
  const { header, trailer } = headerAndTrailer(answer);
  return appendHeaders(header, trailer);
}

/** The error that an answer with another status than 200 stands for. */
export function errorFromResponse(answer: HttpResponse, url: string): ConnectError {
  const code = codeOfStatus(answer.status);
  const json = isJson(answer) ? parse(answer.body) : undefined;
  return errorFromJson(json, code, answer) ?? unexpectedResponse(answer, url, code);
}

/**
 * An error about an answer that Connect has no meaning for: a proxy's page, the
 * login form of a network, another server altogether. It tells what was
 * answered, and where. The URL is told without its parameters.
 */
export function unexpectedResponse(
  answer: HttpResponse,
  url: string,
  code: Code,
  cause?: unknown,
): ConnectError {
  const { origin, pathname } = new URL(url);
  const where = `${origin}${pathname}`;
  const message =
    answer.status === 0
      ? `${where} redirects, and redirects are not followed`
      : `HTTP ${answer.status} from ${where}: ${redirect(answer, url) ?? describe(answer, cause)}`;
  return new ConnectError(message, code, metadataOf(answer), undefined, cause);
}

function redirect({ status, header }: HttpResponse, url: string): string | undefined {
  const location = header.get("location");
  if (status < 300 || status > 399 || location === null || !URL.canParse(location, url)) {
    return undefined;
  }
  const { origin, pathname } = new URL(location, url);
  return `it redirects to ${origin}${pathname}, and redirects are not followed`;
}

function describe({ header, body }: HttpResponse, cause: unknown): string {
  const type = header.get("content-type") ?? "one without content type";
  const text = new TextDecoder()
    .decode(body.subarray(0, 1000))
    .replace(/[\s\p{C}]+/gu, " ")
    .trim();
  const start = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  const reason = cause instanceof Error ? `${cause.message}: ` : "";
  return `${reason}not an answer of the API but ${type}${start === "" ? ", empty" : `: ${start}`}`;
}

/** Whether an answer's content type is the one of Connect's JSON. */
export function isJson({ header }: HttpResponse): boolean {
  return /^application\/json(; ?charset=utf-?8)?$/i.test(header.get("content-type") ?? "");
}

/** Whether an answer's content type is the one of Connect's binary format. */
export function isBinary({ header }: HttpResponse): boolean {
  return /^application\/proto$/i.test(header.get("content-type") ?? "");
}

function parse(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/** Connect's error JSON: https://connectrpc.com/docs/protocol#error-end-stream */
function errorFromJson(
  json: JsonValue | undefined,
  defaultCode: Code,
  answer: HttpResponse,
): ConnectError | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return undefined;
  }
  const { code, message, details } = json;
  const isConnect = codeByName.has(code) || typeof message === "string";
  if (!isConnect || (typeof message !== "string" && message != null)) {
    return undefined;
  }
  const error = new ConnectError(
    message ?? "",
    codeByName.get(code) ?? defaultCode,
    metadataOf(answer),
  );
  // For transports to set: a Connect server that meets this error does not pass it on as its own.
  error.isWireError = true;
  for (const detail of Array.isArray(details) ? details : []) {
    const incoming = incomingDetail(detail);
    if (incoming === undefined) {
      return undefined;
    }
    error.details.push(incoming);
  }
  return error;
}

function incomingDetail(json: JsonValue): ConnectError["details"][number] | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return undefined;
  }
  const { type, value, debug } = json;
  if (typeof type !== "string" || typeof value !== "string") {
    return undefined;
  }
  try {
    return { type, value: base64Decode(value), ...(debug !== undefined && { debug }) };
  } catch {
    return undefined;
  }
}

/** The name that a code has on the wire: `not_found` for `Code.NotFound`. */
export function codeName(code: Code): string {
  return Code[code].replace(/\B[A-Z]/g, "_$&").toLowerCase();
}

/** The codes by the names they have on the wire. */
const codeByName = new Map<unknown, Code>(
  Object.values(Code)
    .filter((code) => typeof code === "number")
    .map((code) => [codeName(code), code]),
);

/** The code for a status that came without one: https://connectrpc.com/docs/protocol#http-to-error-code */
function codeOfStatus(status: number): Code {
  switch (status) {
    case 400:
      return Code.Internal;
    case 401:
      return Code.Unauthenticated;
    case 403:
      return Code.PermissionDenied;
    case 404:
      return Code.Unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code.Unavailable;
    default:
      return Code.Unknown;
  }
}
