/** What the server takes from a peer. A slow, silent or greedy one cannot hold it. */
export interface ServerLimits {
  /** The size of a request's message, in bytes, before and after decompression. Default: 16 KiB. */
  readonly maxBodyBytes: number;
  /** The size of a request's headers, in bytes. Default: 16 KiB. */
  readonly maxHeaderBytes: number;
  /**
   * The time in which a connection must say what it wants: finish the TLS
   * handshake, and send all headers of a request. In milliseconds. Default: 10 s.
   */
  readonly headersTimeoutMs: number;
  /**
   * The time in which a request must have arrived whole, and the time in which
   * it must be answered, in milliseconds. Default: 30 s.
   */
  readonly requestTimeoutMs: number;
  /**
   * How long a connection may be idle between requests, in milliseconds.
   * Default: 75 s, longer than the 60 s of common load balancers.
   */
  readonly idleTimeoutMs: number;
  /** How many connections may be open. Any more are closed at once. Default: 10,000. */
  readonly maxConnections: number;
  /** How many calls may be under way on one HTTP/2 connection. Default: 128. */
  readonly maxStreams: number;
}

/** The limits that hold when nothing else is said. */
export const defaultLimits: ServerLimits = {
  maxBodyBytes: 16 * 1024,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 75_000,
  maxConnections: 10_000,
  maxStreams: 128,
};
