/** The base URL of the live API. */
export const liveApiUrl = "https://app.ona.com/api";

/**
 * Parses a base URL and removes its trailing slashes. In a browser, the URL may be relative to the
 * page.
 *
 * Throws an Error if it is not a URL, does not use `http:` or `https:`, or contains credentials, a
 * query or a fragment. The error names the source of the URL, by default the option `baseUrl`.
 */
export function parseBaseUrl(baseUrl: string, source = "baseUrl"): URL {
  const pageUrl = globalThis.location?.href;
  if (!URL.canParse(baseUrl, pageUrl)) {
    throw new Error(
      `${source} ${JSON.stringify(baseUrl)} is not a URL; expected something like ${liveApiUrl}`,
    );
  }
  const url = new URL(baseUrl, pageUrl);
  if (url.username !== "" || url.password !== "") {
    throw new Error(
      `${source} must not contain a user name or password; authenticate with a token instead`,
    );
  }
  if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new Error(
      `${source} ${url.origin}${url.pathname} must use http: or https: and have no query or fragment; expected something like ${liveApiUrl}`,
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

/** Returns whether a URL's host is this machine, so that requests to it do not cross a network. */
export function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}

/** Returns whether requests to a URL cross a network unencrypted. */
export function isUnencrypted(url: URL): boolean {
  return url.protocol === "http:" && !isLoopback(url);
}
