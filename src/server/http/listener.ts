import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, type DropArgument, Server as NetServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import {
  type Exchange,
  Http2Exchange,
  NodeExchange,
  type NodeRequest,
  type NodeResponse,
} from "./exchange.ts";
import {
  type FindCachedResponse,
  keepAliveBufferMs,
  serveHttp1FastPath,
} from "./http1-fast-path.ts";
import type { ServerLimits } from "./limits.ts";
import { type OnRejection, rejectionOfHttp1Error } from "./rejection.ts";
import { pathOf, rewriteAbsoluteTarget } from "./request-target.ts";
import { createStallMonitor } from "./stall-monitor.ts";
import { discardUnreadBody, resetUnreadStream } from "./unread-request.ts";

/** Options of {@link createListener}. */
export interface ListenerOptions {
  /** A certificate and its private key, in PEM. Default: cleartext. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  readonly limits: ServerLimits;
  /** Returns the cached response to a request that arrived in a single chunk, if there is one. */
  readonly findCachedResponse: FindCachedResponse;
  /** Serves every other request. */
  readonly onExchange: (exchange: Exchange) => void;
  /** Called with each request and connection that the listener rejects by itself. */
  readonly onRejection: OnRejection;
  /** Called with each error that `onExchange` throws. The exchange fails with status 500. */
  readonly onError: (error: unknown) => void;
}

/** A port that accepts HTTP/1.1 and HTTP/2 connections. */
export interface Listener {
  /** Starts to listen. Rejects if that fails, for example because the port is in use. */
  start(host: string, port: number): Promise<AddressInfo>;
  /**
   * Stops accepting connections, and drains the open ones: requests in progress
   * are finished, idle connections are closed. Connections that are still open
   * after `timeoutMs` milliseconds are destroyed. Resolves when all are closed.
   */
  close(timeoutMs: number): Promise<void>;
}

/**
 * How long an idle connection stays open while the listener closes, in
 * milliseconds. A request that the client sends before it notices the shutdown
 * still gets a response.
 */
const lingerMs = 200;

/**
 * Creates a listener that serves HTTP/1.1 and HTTP/2 on one port. It detects the
 * protocol by ALPN with TLS, and by the first bytes in cleartext.
 */
export function createListener(options: ListenerOptions): Listener {
  const { limits, tls, findCachedResponse, onRejection } = options;
  const onExchange = (exchange: Exchange) => {
    try {
      options.onExchange(exchange);
    } catch (error) {
      options.onError(error);
      exchange.fail();
    }
  };
  const http1Options = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    keepAliveTimeoutBuffer: keepAliveBufferMs,
    connectionsCheckingInterval: Math.ceil(Math.min(1000, limits.headersTimeoutMs / 2)),
    noDelay: true,
    // A request without a host gets the same response as one with an invalid host.
    requireHostHeader: false,
  };
  const http1 =
    tls === undefined
      ? createHttpServer(http1Options)
      : createHttpsServer({
          ...http1Options,
          ...tls,
          ALPNProtocols: ["h2", "http/1.1"],
          handshakeTimeout: limits.headersTimeoutMs,
        });
  http1.maxConnections = limits.maxConnections;
  const http2 = createHttp2Server({
    settings: {
      maxConcurrentStreams: limits.maxStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
  });

  const stallMonitor = createStallMonitor(limits.requestTimeoutMs, () =>
    onRejection({ reason: "stalled_response" }),
  );
  const connections = new Set<Socket>();
  const http1Connections = new Set<Http1Socket>();
  const http2Sessions = new Set<ServerHttp2Session>();
  let closing = false;

  http1.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  http1.on("drop", (connection?: DropArgument) =>
    onRejection({
      reason: "too_many_connections",
      remoteAddress: connection?.remoteAddress,
    }),
  );
  http1.on("tlsClientError", ({ code }: NodeJS.ErrnoException, { remoteAddress }: Socket) => {
    if (code !== "ECONNRESET") {
      onRejection({ reason: "tls_handshake", remoteAddress, error: code });
    }
  });

  // The HTTP/1.1 server accepts all connections, so that its timeouts and its connection limit
  // apply. Only its connection listener is replaced.
  const event = tls === undefined ? "connection" : "secureConnection";
  const serveHttp1 = http1.listeners(event)[0] as (this: Server, socket: Socket) => void;
  http1.off(event, serveHttp1);
  const serveWithNode = (socket: Socket) => {
    serveHttp1.call(http1, socket);
    if (socket instanceof TLSSocket) {
      // With this listener, the parser gets its data from the stream, not from the TLS layer itself.
      // That passes on data even while the parser is paused, which the parser takes for an error.
      socket.on("data", () => {});
    }
  };
  http1.on(event, (socket: Socket) => {
    http1Connections.add(socket);
    socket.once("close", () => http1Connections.delete(socket));
    stallMonitor.watchConnection(socket);
    const { remoteAddress } = socket;
    // Node.js sends the response, and then destroys the connection with the error.
    socket.on("error", (error) => {
      const rejection = rejectionOfHttp1Error(error);
      if (rejection !== undefined) {
        onRejection({ ...rejection, remoteAddress });
      }
    });
    const serve = (isHttp2: boolean) => {
      if (isHttp2) {
        http1Connections.delete(socket);
        // HTTP/2 has no half-closed connections, unlike HTTP/1.1.
        socket.allowHalfOpen = false;
        const onSession = (session: ServerHttp2Session) => serveHttp2Session(session, socket);
        // Emits "session" synchronously.
        http2.on("session", onSession).emit("connection", socket);
        http2.off("session", onSession);
      } else {
        // While closing, responses need `Connection: close`, which only the node:http path sends.
        const findUnlessClosing: FindCachedResponse = (request) =>
          closing ? undefined : findCachedResponse(request);
        serveHttp1FastPath(socket, limits, findUnlessClosing, () => serveWithNode(socket));
      }
    };
    if (socket instanceof TLSSocket) {
      serve(socket.alpnProtocol === "h2");
    } else {
      detectHttp2(socket, limits.headersTimeoutMs, serve);
    }
  });

  http1.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket }: { socket: Http1Socket } = request;
    socket[lastResponse] = response;
    if (closing) {
      response.setHeader("Connection", "close");
    }
    rewriteAbsoluteTarget(request);
    discardUnreadBody(request, response);
    onExchange(new NodeExchange(request, response));
  });

  // Without these listeners, Node.js sends the same responses, except that it just closes the
  // connection after CONNECT over HTTP/1.1.
  http1.on("connect", ({ method, url }: IncomingMessage, socket: Socket) => {
    onRejection({ reason: "wrong_method", method, path: url, status: 405 });
    socket.write("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n");
    socket.destroySoon();
  });
  http2.on("connect", ({ method, authority }: Http2ServerRequest, response: NodeResponse) => {
    onRejection({ reason: "wrong_method", method, path: authority, status: 405 });
    response.statusCode = 405;
    response.end();
  });
  for (const server of [http1, http2]) {
    server.on("checkExpectation", ({ method, url = "" }: NodeRequest, response: NodeResponse) => {
      const path = pathOf(url);
      onRejection({ reason: "unknown_expectation", method, path, status: 417 });
      response.statusCode = 417;
      response.end();
    });
  }
  http2.on("sessionError", ({ code }: NodeJS.ErrnoException, { socket }: ServerHttp2Session) => {
    if (code?.startsWith("ERR_HTTP2")) {
      const { remoteAddress } = socket ?? {};
      onRejection({ reason: "http2_error", remoteAddress, error: code });
    }
  });

  function serveHttp2Session(session: ServerHttp2Session, socket: Socket): void {
    http2Sessions.add(session);
    session.once("close", () => http2Sessions.delete(session));
    session.setTimeout(limits.idleTimeoutMs, () => {
      session.close();
      // A client that does not read would keep the connection open forever.
      const destroyTimer = setTimeout(() => socket.destroy(), limits.requestTimeoutMs);
      session.once("close", () => clearTimeout(destroyTimer));
    });
    if (closing) {
      session.close();
    }
  }
  http2.on("request", (request, response) => {
    resetUnreadStream(request.stream);
    onExchange(new NodeExchange(request, response));
  });

  // The default listener creates a request and a response object for every stream. It remains in
  // use only for CONNECT and `Expect`, which it handles specially.
  const serveStream = http2.listeners("stream")[0] as OnStream;
  http2.off("stream", serveStream);
  const onStream: OnStream = (stream, headers, flags, rawHeaders) => {
    stallMonitor.watchStream(stream);
    if (headers[":method"] === "CONNECT" || headers.expect !== undefined) {
      serveStream.call(http2, stream, headers, flags, rawHeaders);
    } else {
      onExchange(new Http2Exchange(stream, headers, rawHeaders));
    }
  };
  http2.on("stream", onStream);

  return {
    start: (host, port) =>
      new Promise((resolve, reject) => {
        http1.once("error", reject);
        http1.listen(port, host, () => {
          http1.off("error", reject);
          resolve(http1.address() as AddressInfo);
        });
      }),

    async close(timeoutMs) {
      closing = true;
      // Not http1.close(): that would close idle connections immediately, even one whose next
      // request is already on its way.
      const closed = new Promise<void>((resolve) => {
        NetServer.prototype.close.call(http1, () => resolve());
      });
      for (const session of http2Sessions) {
        session.close();
      }
      const sweep = setInterval(() => {
        for (const socket of http1Connections) {
          // Responses are sent in request order, so when the last one is finished, all are.
          if (socket[lastResponse]?.writableFinished !== false) {
            socket.destroySoon();
          }
        }
      }, lingerMs);
      const destroyTimer = setTimeout(() => {
        for (const session of http2Sessions) {
          session.destroy();
        }
        for (const socket of connections) {
          socket.destroy();
        }
      }, timeoutMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(destroyTimer);
      http1.close();
    },
  };
}

type OnStream = (
  this: Http2Server,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: string[],
) => void;

/** The key of the response to the last request on an HTTP/1.1 connection. */
const lastResponse = Symbol("last response");

interface Http1Socket extends Socket {
  [lastResponse]?: ServerResponse;
}

/**
 * The start of the HTTP/2 connection preface (RFC 9113, section 3.4). No HTTP/1.1 request starts
 * like this.
 */
const prefaceStart = Buffer.from("PRI ");

/**
 * Detects from the first bytes of a connection whether it is HTTP/2, and calls
 * `serve` with no byte consumed. Destroys the connection if these bytes do not
 * arrive within `timeoutMs` milliseconds.
 */
function detectHttp2(socket: Socket, timeoutMs: number, serve: (isHttp2: boolean) => void): void {
  const destroy = () => socket.destroy();
  const timer = setTimeout(destroy, timeoutMs);
  let received = Buffer.alloc(0);
  const inspect = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      received = Buffer.concat([received, chunk]);
    }
    const length = Math.min(received.length, prefaceStart.length);
    const isHttp2 = prefaceStart.compare(received, 0, length, 0, length) === 0;
    if (isHttp2 && length < prefaceStart.length) {
      return;
    }
    stop();
    socket.unshift(received);
    serve(isHttp2);
  };
  const stop = () => {
    clearTimeout(timer);
    socket.off("readable", inspect).off("error", destroy).off("end", destroy).off("close", stop);
  };
  socket.on("readable", inspect).on("error", destroy).on("end", destroy).on("close", stop);
}
