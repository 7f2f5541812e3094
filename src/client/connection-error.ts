import { Code, ConnectError } from "@connectrpc/connect";

/** Returns the error for a connection that failed before the response was complete. */
export function connectionError(url: string, cause: unknown): ConnectError {
  const { origin, protocol } = new URL(url);
  const rootCause = findRootCause(cause);
  const reason = isTlsMissing(rootCause)
    ? "the server does not use TLS on this port; use http:"
    : protocol === "http:" && mayExpectTls(rootCause)
      ? `${describeCause(rootCause)}; if the server uses TLS, use https:`
      : describeCause(rootCause);
  return new ConnectError(
    `no response from ${origin}: ${reason}`,
    Code.Unavailable,
    undefined,
    undefined,
    cause,
  );
}

/** Node's fetch itself reports only "fetch failed". */
function findRootCause(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error
    ? findRootCause(error.cause)
    : error;
}

function describeCause(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  // For a host with several addresses, Node.js throws an AggregateError with an empty message.
  const { errors = [] } = error as Partial<AggregateError>;
  return (
    error.message ||
    errors.map((each) => describeCause(findRootCause(each))).join("; ") ||
    error.name
  );
}

/** Returns whether a TLS handshake failed because the server answered in cleartext. */
function isTlsMissing(error: unknown): boolean {
  // Node's own modules report only EPROTO, with the message of OpenSSL.
  return (
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/.test(codeOf(error)) ||
    (codeOf(error) === "EPROTO" && /wrong version number|packet length/.test(String(error)))
  );
}

/**
 * Returns whether a server may have expected TLS: it closed the connection without a response, or
 * sent something else than HTTP, such as a TLS alert.
 */
function mayExpectTls(error: unknown): boolean {
  const { name, socket } = Object(error) as { name?: string; socket?: { bytesRead: number } };
  return (
    codeOf(error) === "ECONNRESET" ||
    codeOf(error).startsWith("HPE_") ||
    // The same of undici.
    (codeOf(error) === "UND_ERR_SOCKET" && socket?.bytesRead === 0) ||
    name === "HTTPParserError"
  );
}

/** The code of an error of Node.js or undici. Other platforms have no codes, or numbers. */
function codeOf(error: unknown): string {
  return String((Object(error) as { code?: unknown }).code);
}
