import { type ContextKey, createContextKey } from "@connectrpc/connect";

/** What is known of one call, for the log and the metrics. */
export interface Call {
  /** Names the call in the log; the caller gets it as the header `X-Request-Id`. */
  readonly requestId: string;
  /** `connect`, `grpc` or `grpc-web`. */
  readonly protocol: string;
  /** The name of the method, as `GetRunner`. */
  readonly method: string;
  /** The id that was asked for, as the caller wrote it. */
  runnerId?: string;
  /** The error that the call ended with inside of the server, if it did. */
  error?: unknown;
}

/** Where handlers and interceptors find the call they serve. */
export const callKey: ContextKey<Call | undefined> = createContextKey<Call | undefined>(undefined, {
  description: "the call, for the log and the metrics",
});
