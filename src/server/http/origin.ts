/**
 * Returns an origin as browsers send it in `Origin`: in lower case, without the default port and a
 * slash at the end. `*` stands for all origins, `null` for that of a file or a sandboxed page.
 *
 * Throws an Error if no browser sends such an origin, for example because it has a path.
 */
export function parseOrigin(text: string): string {
  if (text === "*" || text === "null") {
    return text;
  }
  const quoted = JSON.stringify(text);
  if (text.includes("*")) {
    throw new Error(`origin ${quoted} has a wildcard; list all origins, or use * for any`);
  }
  const url = URL.parse(text);
  if (url === null || !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new Error(`${quoted} is not an origin; expected something like https://app.example.com`);
  }
  const isOrigin =
    url.username === "" &&
    url.password === "" &&
    /^\/?$/.test(url.pathname) &&
    !/[?#]/.test(text) &&
    url.host !== "";
  if (!isOrigin) {
    throw new Error(
      `origin ${quoted} must have a scheme, a host and an optional port only, like ` +
        `${url.protocol}//${url.host || "app.example.com"}`,
    );
  }
  // Only origins of http: and https: are known to the URL parser.
  return url.origin === "null" ? `${url.protocol}//${url.host}`.toLowerCase() : url.origin;
}
