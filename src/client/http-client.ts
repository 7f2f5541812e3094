import { Code, ConnectError } from "@connectrpc/connect";
import type { CallHeader } from "./call-header.ts";

/**
 * Sends a request, and reads its answer to the end. Rejects when there is no
 * whole answer: with the signal's reason if it was aborted, otherwise with a
 * ConnectError.
 */
export type HttpClient = (request: HttpRequest) => Promise<HttpResponse>;

/** An HTTP request. */
export interface HttpRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly header: CallHeader;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  /** Ends the request when it is aborted. */
  readonly signal: AbortSignal;
}

/** An HTTP answer, its body decompressed. */
export interface HttpResponse {
  /** The status code. 0 for a redirect that the platform keeps to itself, as browsers do. */
  readonly status: number;
  readonly header: HttpHeader;
  readonly body: Uint8Array;
}

/** What is read of `Headers`. To make a whole one of each answer would take longer than to decode it. */
export interface HttpHeader extends Iterable<[name: string, value: string]> {
  /** The value of a header, its name in lower case. */
  get(name: string): string | null;
}

/** The error about a server that was not reached, or was lost before its answer was whole. */
export function connectionError(url: string, cause: unknown): ConnectError {
  return new ConnectError(
    `no answer from ${new URL(url).origin}: ${reasonOf(cause)}`,
    Code.Unavailable,
    undefined,
    undefined,
    cause,
  );
}

/** Fetch says no more than "fetch failed": what happened is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error.cause instanceof Error) {
    return reasonOf(error.cause);
  }
  // A host with several addresses fails with an error for each, and no message of its own.
  const { errors = [] } = error as Partial<AggregateError>;
  return error.message || errors.map(reasonOf).join("; ") || error.name;
}
