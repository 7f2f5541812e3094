/** Why a request or a connection was rejected before it became a call. */
export type RejectionReason =
  | "unknown_path"
  | "wrong_method"
  | "unknown_expectation"
  | "invalid_host"
  | "forbidden_host"
  | "forbidden_origin"
  | "malformed_request"
  | "headers_too_large"
  | "request_timeout"
  | "stalled_response"
  | "http2_error"
  | "tls_handshake"
  | "tls_without_certificate"
  | "too_many_connections";

/** A request or a connection that was rejected before it became a call. */
export interface Rejection {
  readonly reason: RejectionReason;
  readonly method?: string | undefined;
  /** The path of the request, without the query. */
  readonly path?: string | undefined;
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  /** The HTTP status of the response, if there is one. */
  readonly status?: number | undefined;
  /** The address of the peer, if nothing else is known. */
  readonly remoteAddress?: string | undefined;
  /** The code of the error, as Node.js reports it. */
  readonly error?: string | undefined;
}

/** Called with each rejection. */
export type OnRejection = (rejection: Rejection) => void;

/**
 * Returns the rejection that an error of an HTTP/1.1 connection stands for. Returns undefined if the
 * peer has just disconnected.
 */
export function rejectionOfHttp1Error(
  error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer },
): Rejection | undefined {
  const { code = "", rawPacket } = error;
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return { reason: "headers_too_large", status: 431, error: code };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { reason: "malformed_request", status: 413, error: code };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { reason: "request_timeout", status: 408, error: code };
    default:
      // HPE_INVALID_EOF_STATE: the connection ended in the middle of a request.
      if (!code.startsWith("HPE_") || code === "HPE_INVALID_EOF_STATE") {
        return undefined;
      }
      return rawPacket?.[0] === tlsHandshake
        ? { reason: "tls_without_certificate", status: 400, error: code }
        : { reason: "malformed_request", status: 400, error: code };
  }
}

/** The first byte of a TLS connection: a record of the handshake protocol. */
const tlsHandshake = 0x16;
