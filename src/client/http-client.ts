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
