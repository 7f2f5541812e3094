import { isLoopback } from "./base-url.ts";

/**
 * Whether the environment names a proxy (`HTTPS_PROXY` or `HTTP_PROXY`, in either case) that may be
 * for the server at `baseUrl`: not for one on this machine. `NO_PROXY` is not looked at.
 */
export function mayUseProxy(baseUrl: URL): boolean {
  const isProxied = ["http_proxy", "https_proxy"].some(
    (name) => process.env[name] || process.env[name.toUpperCase()],
  );
  return isProxied && !isLoopback(baseUrl);
}
