/** Limits on what a peer may use, so that a slow, idle or greedy peer cannot tie up the server. */
export interface ServerLimits {
  /**
   * The maximum size of a request message, in bytes, before and after decompression.
   * Default: 16 KiB.
   */
  readonly maxBodyBytes: number;
  /** The maximum size of all headers of a request, in bytes. Default: 16 KiB. */
  readonly maxHeaderBytes: number;
  /**
   * The maximum time for a peer to finish the TLS handshake, and to send all
   * headers of a request, in milliseconds. Default: 10 s.
   */
  readonly headersTimeoutMs: number;
  /**
   * The maximum time to receive a complete request, and the maximum time to
   * respond to it, in milliseconds. Default: 30 s.
   */
  readonly requestTimeoutMs: number;
  /**
   * How long a connection may be idle between requests, in milliseconds.
   * Default: 75 s, longer than the 60 s of common load balancers.
   */
  readonly idleTimeoutMs: number;
  /** The maximum number of open connections. More are closed immediately. Default: 10,000. */
  readonly maxConnections: number;
  /** The maximum number of concurrent calls on an HTTP/2 connection. Default: 128. */
  readonly maxStreams: number;
}

/** The default limits. */
export const defaultLimits: ServerLimits = {
  maxBodyBytes: 16 * 1024,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 75_000,
  maxConnections: 10_000,
  maxStreams: 128,
};
