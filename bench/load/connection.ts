/** What the load looks at of an answer. */
export interface Answer {
  readonly status: number;
  readonly bodyLength: number;
}

/** A connection over which calls are made. */
export interface Connection {
  /** Sends a request. Its answer goes to the callback that the connection was opened with. */
  send(): void;
  close(): void;
}
