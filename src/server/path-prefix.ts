/**
 * Returns a path prefix with one slash at the start and none at the end; an empty string for `/`.
 *
 * Throws an Error if no request can match it: clients send other characters escaped, and resolve
 * the segments `.` and `..`.
 */
export function parsePathPrefix(text: string): string {
  const segments = text.replace(/^\/|\/$/g, "").split("/");
  const path = segments.join("/");
  if (path === "") {
    return "";
  }
  if (
    !segments.every(
      (segment) => /^[\w.~!$&'()*+,;=:@-]+$/.test(segment) && !/^\.\.?$/.test(segment),
    )
  ) {
    throw new Error(
      `path prefix ${JSON.stringify(text)} must be a path, such as /api, without ".", "..", empty ` +
        "segments, and characters that URLs escape",
    );
  }
  return `/${path}`;
}
