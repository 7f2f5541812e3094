import type { JsonValue } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { appendHeaders, Code, ConnectError } from "@connectrpc/connect";
import type { HttpResponse } from "./http-client.ts";

/**
 * Splits the header of a response into header and trailer. In a unary Connect response, trailers
 * are header fields with the prefix `trailer-`.
 */
export function splitHeaderAndTrailer(response: HttpResponse): {
  header: Headers;
  trailer: Headers;
} {
  const header = new Headers();
  const trailer = new Headers();
  for (const [name, value] of response.header) {
    if (name.startsWith("trailer-")) {
      trailer.append(name.slice("trailer-".length), value);
    } else {
      header.append(name, value);
    }
  }
  return { header, trailer };
}

function getErrorMetadata(response: HttpResponse): Headers {
  const { header, trailer } = splitHeaderAndTrailer(response);
  return appendHeaders(header, trailer);
}

/** Returns the error for a response whose status is not 200. */
export function errorFromResponse(response: HttpResponse, url: string): ConnectError {
  const code = codeFromStatus(response.status);
  const json = isJson(response) ? parseJson(response.body) : undefined;
  return (
    errorFromJson(json, code, response) ??
    unexpectedResponse(response, url, requiresTls(response) ? Code.FailedPrecondition : code)
  );
}

/** Returns whether a server of `https:` refuses a request over `http:`, as those of nginx and Go. */
function requiresTls({ status, body }: HttpResponse): boolean {
  return (
    status === 400 &&
    /plain HTTP|HTTP request to an HTTPS/i.test(new TextDecoder().decode(body.subarray(0, 1000)))
  );
}

/**
 * Returns the error for a response that is not a Connect response, for example an error page of a
 * proxy, a captive portal or an unrelated server. The message contains the URL without its query,
 * the status and the beginning of the body.
 */
export function unexpectedResponse(
  response: HttpResponse,
  url: string,
  code: Code,
  cause?: unknown,
): ConnectError {
  const { origin, pathname } = new URL(url);
  const endpoint = `${origin}${pathname}`;
  const message =
    response.status === 0
      ? `redirect from ${endpoint}; redirects are not followed`
      : `HTTP ${response.status} from ${endpoint}: ${describeRedirect(response, url) ?? describeContent(response, cause)}`;
  return new ConnectError(message, code, getErrorMetadata(response), undefined, cause);
}

function describeRedirect({ status, header }: HttpResponse, url: string): string | undefined {
  const location = header.get("location");
  if (status < 300 || status > 399 || location === null || !URL.canParse(location, url)) {
    return undefined;
  }
  const { origin, pathname } = new URL(location, url);
  return `redirect to ${origin}${pathname}; redirects are not followed`;
}

function describeContent({ header, body }: HttpResponse, cause: unknown): string {
  const type = header.get("content-type") ?? "a response without Content-Type";
  const text = new TextDecoder()
    .decode(body.subarray(0, 1000))
    .replace(/[\s\p{C}]+/gu, " ")
    .trim();
  const start = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  const content = start === "" ? `${type} (empty body)` : `${type}: ${start}`;
  return cause instanceof Error
    ? `${cause.message}; got ${content}`
    : `expected an API response but got ${content}`;
}

/** Returns whether a response has the content type of the Connect protocol with JSON. */
export function isJson({ header }: HttpResponse): boolean {
  return /^application\/json(; ?charset=utf-?8)?$/i.test(header.get("content-type") ?? "");
}

/** Returns whether a response has the content type of the Connect protocol with binary messages. */
export function isBinary({ header }: HttpResponse): boolean {
  return /^application\/proto$/i.test(header.get("content-type") ?? "");
}

function parseJson(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/**
 * Parses Connect's error JSON. Returns undefined if the JSON is something else.
 *
 * See https://connectrpc.com/docs/protocol#error-end-stream
 */
function errorFromJson(
  json: JsonValue | undefined,
  defaultCode: Code,
  response: HttpResponse,
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
    getErrorMetadata(response),
  );
  // Set by all transports: it prevents a Connect server from passing this error on as its own.
  error.isWireError = true;
  for (const detail of Array.isArray(details) ? details : []) {
    const parsed = parseErrorDetail(detail);
    if (parsed === undefined) {
      return undefined;
    }
    error.details.push(parsed);
  }
  return error;
}

function parseErrorDetail(json: JsonValue): ConnectError["details"][number] | undefined {
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

/** Returns the name of a code on the wire: `not_found` for `Code.NotFound`. */
export function codeName(code: Code): string {
  return Code[code].replace(/\B[A-Z]/g, "_$&").toLowerCase();
}

/** The codes by their names on the wire. */
const codeByName = new Map<unknown, Code>(
  Object.values(Code)
    .filter((code) => typeof code === "number")
    .map((code) => [codeName(code), code]),
);

/**
 * Returns the code for the HTTP status of a response that does not contain a code.
 *
 * See https://connectrpc.com/docs/protocol#http-to-error-code
 */
function codeFromStatus(status: number): Code {
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
      // Like 404, a redirect means that the API is not at this URL. Browsers hide its status.
      return status === 0 || (status >= 300 && status < 400) ? Code.Unimplemented : Code.Unknown;
  }
}
