/** Where the live API is served. */
export const liveApiUrl = "https://app.ona.com/api";

/**
 * Returns `text` as the URL below which the API is served, without a slash at
 * its end. In a browser it may be relative to the page.
 *
 * Throws an Error when it is none.
 */
export function parseBaseUrl(text: string): URL {
  const page = globalThis.location?.href;
  if (!URL.canParse(text, page)) {
    throw new Error(`baseUrl ${JSON.stringify(text)} is no URL: it should be like ${liveApiUrl}`);
  }
  const url = new URL(text, page);
  if (url.username !== "" || url.password !== "") {
    throw new Error("baseUrl must not carry a user name or a password: authenticate with a token");
  }
  if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new Error(
      `baseUrl ${url.origin}${url.pathname} must be http: or https:, and end with its path, like ${liveApiUrl}`,
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

/** Whether a host is this machine itself: what is sent there can be seen by nobody on the way. */
export function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}
