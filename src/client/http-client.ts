import { Code, ConnectError } from "@connectrpc/connect";
import type { CallHeader } from "./call-header.ts";

/**
 * Sends a request and reads the complete response. Rejects with the signal's reason if it is
 * aborted, and with a ConnectError if there is no complete response for another reason.
 */
export type HttpClient = (request: HttpRequest) => Promise<HttpResponse>;

/** An HTTP request. */
export interface HttpRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly header: CallHeader;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  /** Aborts the request. */
  readonly signal: AbortSignal;
}

/** An HTTP response with a decompressed body. */
export interface HttpResponse {
  /** The status code. 0 for a redirect whose details the platform hides, as browsers do. */
  readonly status: number;
  readonly header: HttpHeader;
  readonly body: Uint8Array;
}

/**
 * The read-only subset of `Headers` that is needed. Creating a `Headers` for each response would
 * take longer than decoding the response.
 */
export interface HttpHeader extends Iterable<[name: string, value: string]> {
  /** Returns the value of a header field. The name must be in lower case. */
  get(name: string): string | null;
}

/** Returns the error for a connection that failed before the response was complete. */
export function connectionError(url: string, cause: unknown): ConnectError {
  return new ConnectError(
    `no response from ${new URL(url).origin}: ${findReason(cause)}`,
    Code.Unavailable,
    undefined,
    undefined,
    cause,
  );
}

/** Returns the root cause as a message. Node's fetch itself reports only "fetch failed". */
function findReason(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error.cause instanceof Error) {
    return findReason(error.cause);
  }
  // For a host with several addresses, Node.js throws an AggregateError with an empty message.
  const { errors = [] } = error as Partial<AggregateError>;
  return error.message || errors.map(findReason).join("; ") || error.name;
}
