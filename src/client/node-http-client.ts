import type { IncomingMessage } from "node:http";
import { connectionError } from "./connection-error.ts";
import type { HttpClient, HttpResponse } from "./http-client.ts";
import { toHttpResponse } from "./raw-response.ts";

/** The connect timeout, in milliseconds: the same as undici's default. */
const connectTimeoutMs = 10_000;

/** The keep-alive timeout of idle connections, in milliseconds, unless the server sends its own. */
const keepAliveTimeoutMs = 30_000;

/**
 * Creates an HTTP client for `http:` or `https:` with Node's built-in modules, for processes that
 * make few calls: loading undici takes longer than making one. It does not follow redirects and
 * does not support proxies.
 *
 * Idle connections do not keep the process alive.
 *
 * It does not request compression, but decompresses gzip and Brotli.
 */
export function createNodeHttpClient(protocol: string): HttpClient {
  // Load only the module that is needed: loading TLS is slow.
  const { Agent, request: send } =
    protocol === "https:"
      ? process.getBuiltinModule("node:https")
      : process.getBuiltinModule("node:http");
  const agent = new Agent({ keepAlive: true, timeout: keepAliveTimeoutMs });
  return ({ url, method, header, body, signal }) => {
    const headers = { "user-agent": "runner-service", ...Object.fromEntries(header) };
    return new Promise<HttpResponse>((resolve, reject) => {
      signal.throwIfAborted();
      const request = send(url, { agent, method, headers, timeout: connectTimeoutMs });
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
        // The event fires on any inactivity. Only the caller limits how long a response may take.
        if (request.socket?.connecting) {
          request.destroy(new Error(`connect timeout after ${connectTimeoutMs / 1000} s`));
        }
      });
      request.on("response", (response: IncomingMessage) => {
        const chunks: Uint8Array[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", () =>
          onError(new Error("the connection closed before the response was complete")),
        );
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
