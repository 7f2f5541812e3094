import { type ContextKey, createContextKey } from "@connectrpc/connect";

/** What the log and the metrics record about a call. */
export interface Call {
  /** Identifies the call in the log. The caller gets it in the header `X-Request-Id`. */
  readonly requestId: string;
  /** `connect`, `grpc` or `grpc-web`. */
  readonly protocol: string;
  /** The name of the method, such as `GetRunner`. */
  readonly method: string;
  /** The requested id, as the caller wrote it. */
  runnerId?: string;
  /** The error that the call ended with, if any. */
  error?: unknown;
}

/** The context key under which handlers and interceptors find their call. */
export const callKey: ContextKey<Call | undefined> = createContextKey<Call | undefined>(undefined, {
  description: "the call, for the log and the metrics",
});
