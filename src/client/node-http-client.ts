import type { IncomingMessage } from "node:http";
import { connectionError, type HttpClient, type HttpResponse } from "./http-client.ts";
import { toHttpResponse } from "./raw-response.ts";

/** How long to wait for a connection, in milliseconds: as long as undici waits. */
const connectTimeout = 10_000;

/** How long a connection is kept that is not in use, in milliseconds, if the server does not say. */
const keepAliveTimeout = 30_000;

/**
 * Creates an HTTP client for `http:` or `https:` on what Node.js itself has, for
 * processes that make few calls: to load undici takes longer than to make one.
 * It follows no redirects and knows no proxies.
 *
 * Connections that are not in use do not hold the process.
 *
 * It asks for no compression, but understands gzip and Brotli.
 */
export function createNodeHttpClient(protocol: string): HttpClient {
  // Only what is spoken is loaded: TLS takes its time.
  const { Agent, request: send } =
    protocol === "https:"
      ? process.getBuiltinModule("node:https")
      : process.getBuiltinModule("node:http");
  const agent = new Agent({ keepAlive: true, timeout: keepAliveTimeout });
  return ({ url, method, header, body, signal }) => {
    const headers = { "user-agent": "runner-service", ...Object.fromEntries(header) };
    return new Promise<HttpResponse>((resolve, reject) => {
      signal.throwIfAborted();
      const request = send(url, { agent, method, headers, timeout: connectTimeout });
      const onAbort = () => {
        reject(signal.reason);
        request.destroy();
      };
      const onError = (error: Error) => {
        signal.removeEventListener("abort", onAbort);
        reject(connectionError(url, error));
      };
      signal.addEventListener("abort", onAbort);
      request.on("error", onError);
      request.on("timeout", () => {
        // It is told of every silence; how long an answer may take is the caller's to say.
        if (request.socket?.connecting) {
          request.destroy(new Error(`no connection within ${connectTimeout / 1000} s`));
        }
      });
      request.on("response", (response: IncomingMessage) => {
        const chunks: Uint8Array[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", () => onError(new Error("the connection was lost midway")));
        response.on("end", () => {
          signal.removeEventListener("abort", onAbort);
          const { statusCode: status = 0, headersDistinct: fields } = response;
          resolve(toHttpResponse({ status, fields, chunks }));
        });
      });
      request.end(body);
    });
  };
}
