import { Code, ConnectError } from "@connectrpc/connect";

/** Why requests fail in the same way until somebody changes something. */
interface PermanentFailure {
  /** Matches the code, or the name if there is none, and the message of the error. */
  readonly matches: RegExp;
  /** Says what is wrong and what to change. `reason` is the message of the error. */
  explain(reason: string): string;
}

/**
 * The permanent failures of Node.js, undici, Deno and Bun, the first that matches. All others are
 * transient, such as refused, reset and timed out connections, and host names that do not exist.
 */
const permanentFailures: readonly PermanentFailure[] = [
  {
    matches: /^CERT_(HAS_EXPIRED|NOT_YET_VALID) |certificate expired/,
    explain: (reason) => `${reason}; renew the certificate, or set the clock of this machine`,
  },
  {
    matches: /^(ERR_TLS_CERT_ALTNAME_|HOSTNAME_MISMATCH)/,
    explain: (reason) => `the certificate is for another host (${reason})`,
  },
  {
    matches:
      /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CRL_|ERROR_IN_C|INVALID_(CA|PURPOSE)|PATH_LENGTH_)|invalid peer certificate/,
    explain: (reason) =>
      `the certificate is not trusted (${reason}); set NODE_EXTRA_CA_CERTS to the certificate file of a private authority`,
  },
  {
    matches: /wrong version number|packet length too long|corrupt message|speak TLS/,
    explain: () => "the port does not use TLS; use http: or another port",
  },
  {
    matches: /alert no application protocol/,
    explain: () => "the server requires HTTP/2; set the option http2 of runner-service/node",
  },
  {
    // Alerts about the connection rather than about its parameters are transient.
    matches: /^(EPROTO|ERR_SSL_)(?!.*(internal error|unexpected eof|bad record mac|decrypt))/i,
    explain: (reason) =>
      `the TLS handshake failed (${reason}); check the TLS settings of the server`,
  },
  {
    matches:
      /^(HPE_(?!INVALID_EOF_STATE|HEADER_OVERFLOW)|HTTPParserError |Malformed_HTTP)|invalid HTTP version/,
    explain: (reason) =>
      `the response is not HTTP/1.1 (${reason}); check the port, or set the option http2 of runner-service/node`,
  },
  {
    matches: /^ERR_HTTP2_ERROR Protocol error/,
    explain: (reason) =>
      `the response is not HTTP/2 (${reason}); check the port, or unset the option http2`,
  },
  {
    matches: /Proxy response \(407\)/,
    explain: () =>
      "the proxy requires another user name and password (HTTP 407); set them in its URL, http://USER:PASSWORD@HOST:PORT",
  },
  {
    matches: /Proxy response \(4(?!08|29)/,
    explain: (reason) => `${reason} refused the connection; check its rules, or set NO_PROXY`,
  },
  {
    // The headers of the response are too large, or the request is invalid: for example a header
    // that the client must set itself.
    matches:
      /^((HPE|UND_ERR)_HEADERS?_OVERFLOW|UND_ERR_(INVALID_ARG|NOT_SUPPORTED)|ERR_(HTTP_)?INVALID_|ERR_UNESCAPED_)|^Error bad port$/,
    explain: (reason) => reason,
  },
];

/**
 * Returns the error for a request without a complete response. `proxy` describes the proxy that the
 * request went through, if there is one.
 *
 * If the failure is transient, the code is `unavailable`. Otherwise it is `failed_precondition`: the
 * call must not be retried until somebody has changed what the message says, for example a
 * certificate or the base URL.
 */
export function connectionError(url: string, cause: unknown, proxy?: string): ConnectError {
  const root = findRoot(cause);
  const { code, name, message } = root;
  const failure = permanentFailures.find(({ matches }) =>
    matches.test(`${code ?? name} ${message}`),
  );
  const reason = shorten(message || name);
  const { origin, protocol } = new URL(url);
  const route = proxy === undefined ? origin : `${origin} through the proxy ${proxy}`;
  const text =
    failure === undefined
      ? `no response from ${route}: ${reason}`
      : `the request to ${route} failed: ${failure.explain(reason)}`;
  return new ConnectError(
    protocol === "http:" && mayExpectTls(root)
      ? `${text}; if the server uses TLS, use https:`
      : text,
    failure === undefined ? Code.Unavailable : Code.FailedPrecondition,
    undefined,
    undefined,
    cause,
  );
}

/**
 * Returns whether a server may have expected TLS: it closed the connection without a response, or
 * sent something else than HTTP, such as a TLS alert.
 */
function mayExpectTls({ code, name, socket }: RootCause): boolean {
  return (
    code === "ECONNRESET" ||
    /^HPE_/.test(String(code)) ||
    // The same of undici.
    (code === "UND_ERR_SOCKET" && socket?.bytesRead === 0) ||
    name === "HTTPParserError"
  );
}

interface RootCause {
  /** The code of Node.js or undici. Undefined in browsers. */
  readonly code?: unknown;
  readonly name: string;
  readonly message: string;
  /** Set by undici. */
  readonly socket?: { readonly bytesRead: number } | undefined;
}

/** Returns the root cause. Node's fetch itself reports only "fetch failed". */
function findRoot(error: unknown): RootCause {
  // Not instanceof: in Jest, errors of Node.js come from another realm.
  if (typeof error !== "object" || error === null) {
    return { name: "", message: String(error) };
  }
  const {
    cause,
    code,
    name = "",
    message = "",
    errors,
    socket,
  } = error as Partial<AggregateError> & RootCause;
  if (typeof cause === "object" && cause !== null) {
    return findRoot(cause);
  }
  // For a host with several addresses, Node.js throws an AggregateError with an empty message.
  const messages = errors?.map((item) => findRoot(item).message).join("; ");
  return { code, name, message: message || messages || "", socket };
}

/** Reduces messages of OpenSSL, undici and Deno to what they say. */
function shorten(message: string): string {
  return message
    .replace(/^.*SSL routines:[^:]*:([^:]*):.*$/s, "$1")
    .replace(/^Proxy response \((\d+)\).*$/s, "the proxy (HTTP $1)")
    .replace(/^error sending request.*client error \(\w+\): /s, "")
    .replace(/; if the root CA is installed locally.*$/s, "");
}
