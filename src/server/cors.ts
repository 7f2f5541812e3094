import { cors } from "@connectrpc/connect";
import type { NodeRequest, NodeResponse } from "./listener.ts";
import { requestIdHeader } from "./request-id.ts";

/** How long a browser may remember the answer to a preflight, in seconds: two hours, the most Chromium does. */
const maxAgeSeconds = 7200;

/** Headers beyond those of the protocols: that of the token, and those of the server. */
const allowedHeaders = [...cors.allowedHeaders, "Authorization", requestIdHeader].join(", ");
const exposedHeaders = [...cors.exposedHeaders, requestIdHeader, "WWW-Authenticate"].join(", ");

/**
 * Creates a function that lets web pages of `origins` (`*` for all) call the
 * server: it sets the headers that their browsers ask for, and answers
 * preflights itself; it says whether it did.
 */
export function createCors(
  origins: readonly string[],
): (request: NodeRequest, response: NodeResponse) => boolean {
  const all = origins.includes("*");
  const known = new Set(origins);
  return (request, response) => {
    if (known.size === 0) {
      return false;
    }
    const { origin } = request.headers;
    const isPreflight =
      request.method === "OPTIONS" &&
      request.headers["access-control-request-method"] !== undefined;
    if (!all) {
      response.setHeader("Vary", "Origin");
    }
    if (origin !== undefined && (all || known.has(origin))) {
      response.setHeader("Access-Control-Allow-Origin", all ? "*" : origin);
      if (isPreflight) {
        response.setHeader("Access-Control-Allow-Methods", cors.allowedMethods.join(", "));
        response.setHeader("Access-Control-Allow-Headers", allowedHeaders);
        response.setHeader("Access-Control-Max-Age", maxAgeSeconds);
      } else {
        response.setHeader("Access-Control-Expose-Headers", exposedHeaders);
      }
    }
    if (isPreflight) {
      response.statusCode = 204;
      response.end();
    }
    return isPreflight;
  };
}
