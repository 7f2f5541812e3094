import type { IncomingMessage } from "node:http";

/** Returns the path of a request target in origin form, without the query. */
export function pathOf(url: string): string {
  const queryAt = url.indexOf("?");
  return queryAt === -1 ? url : url.slice(0, queryAt);
}

/**
 * Rewrites the target of an HTTP/1.1 request to origin form (a path with an optional query) if it is
 * in absolute form (a URL). The host of the URL then replaces the one in the `Host` header (RFC 9112,
 * section 3.2.2).
 */
export function rewriteAbsoluteTarget(request: IncomingMessage): void {
  const [, authority, target = ""] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(request.url ?? "") ?? [];
  if (authority !== undefined) {
    request.url = target.startsWith("/") ? target : `/${target}`;
    request.headers.host = authority;
  }
}
