import { isLoopback } from "./base-url.ts";

/**
 * Returns whether a proxy from the environment (`HTTPS_PROXY` or `HTTP_PROXY`, in upper or lower
 * case) may apply to the server at `baseUrl`. Servers on this machine never use a proxy. `NO_PROXY`
 * is not evaluated.
 */
export function mayUseProxy(baseUrl: URL): boolean {
  const hasProxy = ["http_proxy", "https_proxy"].some(
    (name) => process.env[name] || process.env[name.toUpperCase()],
  );
  return hasProxy && !isLoopback(baseUrl);
}
