/** The base URL of the live API. */
export const liveApiUrl = "https://app.ona.com/api";

/**
 * Parses a base URL and removes its trailing slashes. In a browser, the URL may be relative to the
 * page. Default: the live API.
 *
 * Throws an Error if it is not a URL, does not use `http:` or `https:`, or contains credentials, a
 * query or a fragment. The error names the source of the URL, by default the option `baseUrl`.
 */
export function parseBaseUrl(baseUrl = liveApiUrl, source = "baseUrl"): URL {
  const pageUrl = globalThis.location?.href;
  // A relative URL has no colon before its first slash: `localhost:8080` is not one.
  const isAbsolute = /^[a-z][a-z\d+.-]*:\/\//i.test(baseUrl);
  const isRelative = !/^[^/]*:/.test(baseUrl);
  if (!(isAbsolute || isRelative) || !URL.canParse(baseUrl, pageUrl)) {
    throw notUrlError(baseUrl, source);
  }
  const url = new URL(baseUrl, pageUrl);
  if (url.username !== "" || url.password !== "") {
    throw new Error(
      `${source} must not contain a user name or password; authenticate with a token instead`,
    );
  }
  if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new Error(
      `${source} ${url.protocol}//${url.host}${url.pathname} must use http: or https: and have no query or fragment; expected something like ${liveApiUrl}`,
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

/** Returns the error for a text that is not a URL. It contains no password and no query. */
function notUrlError(text: string, source: string): Error {
  const name = JSON.stringify(text.replace(/[^/]*@/, "***@").replace(/[?#].*/s, ""));
  if (!/^(https?:|\/)|@/i.test(text) && URL.canParse(`https://${text}`)) {
    const scheme = isLoopback(new URL(`http://${text}`)) ? "http" : "https";
    return new Error(
      `${source} ${name} is not a URL because it has no scheme; did you mean ${scheme}://${name.slice(1, -1)}?`,
    );
  }
  return new Error(`${source} ${name} is not a URL; expected something like ${liveApiUrl}`);
}

/** Returns whether a URL's host is this machine, so that requests to it do not cross a network. */
export function isLoopback({ hostname }: URL): boolean {
  return (
    /^(.+\.)?localhost\.?$/.test(hostname) ||
    hostname === "[::1]" ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}

/** Returns whether requests to a URL cross a network unencrypted. */
export function isUnencrypted(url: URL): boolean {
  return url.protocol === "http:" && !isLoopback(url);
}
