import { EnvHttpProxyAgent } from "undici";
import type { HttpClient } from "./http-client.ts";
import { createUndiciHttpClient } from "./undici-http-client.ts";

/** Creates an HTTP client for one origin that uses the proxy from the environment, if it applies. */
export function createProxyHttpClient(origin: string): HttpClient {
  return createUndiciHttpClient(new EnvHttpProxyAgent(), origin);
}
