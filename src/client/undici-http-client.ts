import { Code, ConnectError } from "@connectrpc/connect";
import { type Dispatcher, errors } from "undici";
import { connectionError } from "./connection-error.ts";
import type { HttpClient, HttpResponse } from "./http-client.ts";
import type { HttpProxy } from "./proxy.ts";
import { type RawResponse, toHttpResponse } from "./raw-response.ts";

/** The proxy between an undici dispatcher and the server. */
export interface ProxyRoute {
  readonly proxy: HttpProxy;
  /** Whether the dispatcher is connected to the proxy, which forwards requests. Not for tunnels. */
  readonly isForwarded: boolean;
}

/**
 * Creates an HTTP client for one origin on an undici dispatcher. It does not follow redirects.
 *
 * It uses the dispatcher API, which undici's `request()` is built on. `request()`, and even more so
 * `fetch()`, would create a stream for each body, although bodies are small and read as a whole.
 *
 * It does not request compression, because an uncompressed runner fits into two packets, but it
 * decompresses gzip and Brotli.
 */
export function createUndiciHttpClient(
  dispatcher: Dispatcher,
  origin: string,
  route?: ProxyRoute,
): HttpClient {
  const proxyName = route && `${route.proxy.url} (${route.proxy.variable})`;
  const pathStart = route?.isForwarded ? 0 : origin.length;
  const proxyHeaders = route?.isForwarded ? forwardingHeaders(origin, route.proxy) : [];
  return ({ url, method, header, body: requestBody, signal }) => {
    const headers = [...header].flat();
    headers.push(...proxyHeaders);
    if (!header.has("User-Agent")) {
      headers.push("User-Agent", "runner-service");
    }
    return new Promise<HttpResponse>((resolve, reject) => {
      let status = 0;
      let fields: RawResponse["fields"] = {};
      const chunks: Uint8Array[] = [];
      let controller: Dispatcher.DispatchController | undefined;
      const onAbort = () => {
        reject(signal.reason);
        controller?.abort(signal.reason);
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener("abort", onAbort);
      dispatcher.dispatch(
        {
          origin,
          path: url.slice(pathStart),
          method,
          headers,
          // Undici accepts any Uint8Array, although its types require a Buffer.
          body: requestBody as string | Buffer | null,
        },
        {
          onRequestStart(newController) {
            // The call may have been aborted while the request waited for a connection.
            controller = newController;
            if (signal.aborted) {
              onAbort();
            }
          },
          onResponseStart(_, ...start) {
            [status, fields] = start;
          },
          onResponseData(_, chunk) {
            chunks.push(chunk);
          },
          onResponseEnd() {
            signal.removeEventListener("abort", onAbort);
            if (status === 407 && route !== undefined) {
              reject(connectionError(url, new Error("Proxy response (407)"), proxyName));
            } else {
              resolve(toHttpResponse({ status, fields, chunks }));
            }
          },
          onResponseError(_, error) {
            signal.removeEventListener("abort", onAbort);
            reject(
              isClosedError(error) ? clientClosedError() : connectionError(url, error, proxyName),
            );
          },
        },
      );
    });
  };
}

function forwardingHeaders(origin: string, { authorization }: HttpProxy): string[] {
  const host = ["Host", new URL(origin).host];
  return authorization === undefined ? host : [...host, "Proxy-Authorization", authorization];
}

function isClosedError(error: Error): boolean {
  return error instanceof errors.ClientClosedError || error instanceof errors.ClientDestroyedError;
}

function clientClosedError(): ConnectError {
  return new ConnectError("the client is closed", Code.FailedPrecondition);
}
