import { once } from "node:events";
import { createServer, type IncomingMessage, request as send } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Options of {@link startProxy}. */
export interface ProxyOptions {
  /** The status with which the proxy refuses every request. Default: it forwards requests. */
  readonly status?: number;
  /** The user name and password that the proxy requires, as USER:PASSWORD. Default: none. */
  readonly credentials?: string;
  /** The certificate of a proxy that is called over TLS. Default: cleartext. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/**
 * Starts a proxy that connects to this machine, whatever host is requested. It forwards requests
 * with an absolute URL, and tunnels with CONNECT. It closes at the end of the test.
 */
export async function startProxy({ status, credentials, tls }: ProxyOptions = {}) {
  /** The requested targets, HOST:PORT each, in the order of the requests. */
  const targets: string[] = [];
  /** How each of them was requested. */
  const methods: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = tls === undefined ? createServer() : createTlsServer(tls);
  proxy.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });

  /** Returns the status with which a request is refused, or undefined if it is not. */
  const refusal = ({ headers }: IncomingMessage): number | undefined => {
    const expected = `Basic ${Buffer.from(credentials ?? "").toString("base64")}`;
    const isAuthorized = credentials === undefined || headers["proxy-authorization"] === expected;
    return isAuthorized ? status : 407;
  };

  proxy.on("request", (request, response) => {
    const url = new URL(request.url ?? "", "http://no-absolute-url");
    targets.push(url.host);
    methods.push(request.method ?? "");
    const refused = refusal(request);
    if (refused !== undefined) {
      response.writeHead(refused, { "Content-Type": "text/plain" }).end("refused by the proxy");
      return;
    }
    const { method, headers } = request;
    const { port, pathname, search } = url;
    const upstream = send({ host: "127.0.0.1", port, path: pathname + search, method, headers });
    upstream.on("response", (received) => {
      response.writeHead(received.statusCode ?? 0, received.rawHeaders);
      received.pipe(response);
    });
    upstream.on("error", () => response.destroy());
    request.pipe(upstream);
  });

  proxy.on("connect", (request: IncomingMessage, socket: Socket) => {
    targets.push(request.url ?? "");
    methods.push("CONNECT");
    const refused = refusal(request);
    if (refused !== undefined) {
      socket.end(`HTTP/1.1 ${refused} Refused\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(request.url?.split(":").at(-1)), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });

  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    targets,
    methods,
  };
}
