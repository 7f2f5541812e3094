/** The parts of a response that the load checks. */
export interface ResponseSummary {
  readonly status: number;
  readonly bodyLength: number;
}

/** A connection that makes calls. */
export interface Connection {
  /** Sends a request. Its response goes to the callback that the connection was opened with. */
  send(): void;
  close(): void;
}
