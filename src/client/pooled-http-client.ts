import { H2CClient, Pool } from "undici";
import type { HttpClient } from "./http-client.ts";
import { findProxy } from "./proxy.ts";
import { createTunnel } from "./tunnel.ts";
import { createUndiciHttpClient } from "./undici-http-client.ts";

/** The keep-alive timeout of idle connections, in milliseconds, unless the server sends its own. */
const keepAliveTimeout = 30_000;

/**
 * Creates an HTTP client for the origin of a base URL, with a pool of connections and the proxy from
 * the environment, if there is one. `http2` is as in the options of the client. `close` closes the
 * connections after all pending requests.
 *
 * Throws an Error if the variable for the proxy is invalid.
 */
export function createPooledHttpClient(
  baseUrl: URL,
  http2 = false,
): { readonly httpClient: HttpClient; close(): Promise<void> } {
  const { origin, protocol } = baseUrl;
  const proxy = findProxy(baseUrl);
  // Use a tunnel only if it is needed: many proxies allow tunnels to port 443 only. It is needed for
  // a proxy over TLS, because undici would expect the certificate of the server from it.
  const isForwarded = protocol === "http:" && !http2 && proxy?.url.startsWith("http:") === true;
  const options = {
    keepAliveTimeout,
    // `pipelining` limits the concurrent streams: 100 is the minimum that RFC 9113, section 6.5.2,
    // recommends that servers allow.
    ...(http2 && { allowH2: true, pipelining: 100 }),
    ...(proxy && !isForwarded && { connect: createTunnel(proxy, baseUrl, http2) }),
  };
  const dispatcher =
    http2 && protocol === "http:"
      ? new H2CClient(origin, options)
      : new Pool(isForwarded && proxy ? proxy.url : origin, options);
  let closed: Promise<void> | undefined;
  return {
    httpClient: createUndiciHttpClient(dispatcher, origin, proxy && { proxy, isForwarded }),
    close() {
      closed ??= dispatcher.close();
      return closed;
    },
  };
}
