import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type Exchange, Http2Exchange, NodeExchange } from "./exchange.ts";
import { type FindCachedResponse, serveHttp1FastPath } from "./http1-fast-path.ts";
import type { ServerLimits } from "./limits.ts";

/** Options of {@link createListener}. */
export interface ListenerOptions {
  /** A certificate and its private key, in PEM. Default: cleartext. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  readonly limits: ServerLimits;
  /** Finds the answer to a request that came in one piece, if it is at hand. */
  readonly findCachedResponse: FindCachedResponse;
  /** Serves any other. */
  readonly onExchange: (exchange: Exchange) => void;
}

/** One port that takes HTTP/1.1 and HTTP/2 connections. */
export interface Listener {
  /** Listens. Rejects when that is not possible, as when the port is taken. */
  start(host: string, port: number): Promise<AddressInfo>;
  /**
   * Takes no more connections, and resolves when those there are have ended:
   * each after the answer to the request it carries, all others at once. What
   * has not ended after `timeoutMs` milliseconds is cut off.
   */
  close(timeoutMs: number): Promise<void>;
}

/**
 * How long a connection with nothing under way is kept once the listener
 * closes, in milliseconds: a request sent just before the client could know is
 * still answered.
 */
const lingerMs = 200;

/**
 * Creates a listener that serves HTTP/1.1 and HTTP/2 on one port: told apart by
 * ALPN with TLS, and by the first bytes without.
 */
export function createListener(options: ListenerOptions): Listener {
  const { limits, tls, findCachedResponse, onExchange } = options;
  const http1Options = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs / 2),
    noDelay: true,
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

  const connections = new Set<Socket>();
  const http1Connections = new Set<Http1Socket>();
  const http2Sessions = new Set<ServerHttp2Session>();
  let closing = false;

  http1.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });

  // The server that listens is the HTTP/1.1 one, so that its limits on time and
  // on connections hold; only the step from a connection to requests is ours.
  const event = tls === undefined ? "connection" : "secureConnection";
  const serveHttp1 = http1.listeners(event)[0] as (this: Server, socket: Socket) => void;
  http1.off(event, serveHttp1);
  http1.on(event, (socket: Socket) => {
    http1Connections.add(socket);
    socket.once("close", () => http1Connections.delete(socket));
    const serve = (isHttp2: boolean) => {
      if (isHttp2) {
        http1Connections.delete(socket);
        // Unlike HTTP/1.1, HTTP/2 has no use for a peer that only listens.
        socket.allowHalfOpen = false;
        http2.emit("connection", socket);
      } else {
        // Only Node.js tells a client that the connection ends.
        const find: FindCachedResponse = (request) =>
          closing ? undefined : findCachedResponse(request);
        serveHttp1FastPath(socket, limits, find, () => serveHttp1.call(http1, socket));
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
    onExchange(new NodeExchange(request, response));
  });

  http2.on("session", (session: ServerHttp2Session) => {
    http2Sessions.add(session);
    session.once("close", () => http2Sessions.delete(session));
    session.setTimeout(limits.idleTimeoutMs, () => {
      session.close();
      // A stream that nothing comes from would keep it open for good.
      const cutOff = setTimeout(() => session.destroy(), limits.requestTimeoutMs);
      session.once("close", () => clearTimeout(cutOff));
    });
    if (closing) {
      session.close();
    }
  });
  http2.on("request", (request, response) => onExchange(new NodeExchange(request, response)));

  // Node.js makes a request and a response of every stream; it still does of
  // those whose headers ask for something special.
  const serveStream = http2.listeners("stream")[0] as OnStream;
  http2.off("stream", serveStream);
  const onStream: OnStream = (stream, headers, flags, rawHeaders) => {
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
      // Not http1.close(): that would cut idle connections off at once, even one
      // whose next request is on its way.
      const closed = new Promise<void>((resolve) => {
        NetServer.prototype.close.call(http1, () => resolve());
      });
      for (const session of http2Sessions) {
        session.close();
      }
      const sweep = setInterval(() => {
        for (const socket of http1Connections) {
          // Responses leave in the order of their requests.
          if (socket[lastResponse]?.writableFinished !== false) {
            socket.destroySoon();
          }
        }
      }, lingerMs);
      const cutOff = setTimeout(() => {
        for (const session of http2Sessions) {
          session.destroy();
        }
        for (const socket of connections) {
          socket.destroy();
        }
      }, timeoutMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(cutOff);
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

/** The response to the last request of an HTTP/1.1 connection. */
const lastResponse = Symbol("last response");

interface Http1Socket extends Socket {
  [lastResponse]?: ServerResponse;
}

/** What every HTTP/2 connection begins with (RFC 9113, section 3.4), and no HTTP/1.1 request does. */
const http2Start = Buffer.from("PRI ");

/**
 * Looks at the first bytes of a connection, as many as it takes, and calls
 * `serve` with all of them still to be read. Gives up on a peer that does not
 * send them in time.
 */
function detectHttp2(socket: Socket, timeoutMs: number, serve: (isHttp2: boolean) => void): void {
  const giveUp = () => socket.destroy();
  const timer = setTimeout(giveUp, timeoutMs);
  let received = Buffer.alloc(0);
  const look = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      received = Buffer.concat([received, chunk]);
    }
    const length = Math.min(received.length, http2Start.length);
    const isHttp2 = http2Start.compare(received, 0, length, 0, length) === 0;
    if (isHttp2 && length < http2Start.length) {
      return;
    }
    done();
    socket.unshift(received);
    serve(isHttp2);
  };
  const done = () => {
    clearTimeout(timer);
    socket.off("readable", look).off("error", giveUp).off("end", giveUp).off("close", done);
  };
  socket.on("readable", look).on("error", giveUp).on("end", giveUp).on("close", done);
}
