import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { buildConnector } from "undici";
import type { HttpProxy } from "./proxy.ts";

/** How long the proxy may take to answer, in milliseconds. It connects to the server meanwhile. */
const proxyTimeoutMs = 30_000;

/**
 * Creates a function that connects undici to the server at `baseUrl` through a tunnel (CONNECT).
 * `http2` is as in the options of the client.
 *
 * Undici's own ProxyAgent connects again and again, without end, if the proxy closes the connection
 * instead of answering, and it does not support HTTP/2 in cleartext.
 */
export function createTunnel(
  proxy: HttpProxy,
  baseUrl: URL,
  http2: boolean,
): buildConnector.connector {
  const { hostname, port, protocol } = baseUrl;
  const startTls = buildConnector({ allowH2: http2 });
  const send = proxy.url.startsWith("https:") ? httpsRequest : httpRequest;
  return (options, callback) => {
    const request = send(proxy.url, {
      method: "CONNECT",
      path: `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`,
      headers:
        proxy.authorization === undefined ? {} : { "Proxy-Authorization": proxy.authorization },
      agent: false,
      timeout: proxyTimeoutMs,
    });
    request.on("timeout", () => {
      request.destroy(new Error(`no answer from the proxy within ${proxyTimeoutMs / 1000} s`));
    });
    request.on("error", (error) => callback(error, null));
    request.on("connect", ({ statusCode }, socket: Socket, head) => {
      if (statusCode !== 200) {
        socket.destroy();
        callback(new Error(`Proxy response (${statusCode})`), null);
        return;
      }
      socket.setTimeout(0);
      socket.unshift(head);
      if (protocol === "https:") {
        startTls({ ...options, httpSocket: socket }, callback);
      } else {
        // Undici uses HTTP/2 if it was negotiated, which is not possible in cleartext.
        callback(null, Object.assign(socket, http2 && { alpnProtocol: "h2" }));
      }
    });
    request.end();
  };
}
