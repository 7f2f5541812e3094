import { cors } from "@connectrpc/connect";
import type { Exchange } from "./exchange.ts";
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
export function createCors(origins: readonly string[]): (exchange: Exchange) => boolean {
  const all = origins.includes("*");
  const known = new Set(origins);
  return (exchange) => {
    if (known.size === 0) {
      return false;
    }
    const { headers, method } = exchange;
    const { origin } = headers;
    const isPreflight =
      method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
    if (!all) {
      exchange.addHeader("Vary", "Origin");
    }
    if (origin !== undefined && (all || known.has(origin))) {
      exchange.addHeader("Access-Control-Allow-Origin", all ? "*" : origin);
      if (isPreflight) {
        exchange.addHeader("Access-Control-Allow-Methods", cors.allowedMethods.join(", "));
        exchange.addHeader("Access-Control-Allow-Headers", allowedHeaders);
        exchange.addHeader("Access-Control-Max-Age", `${maxAgeSeconds}`);
      } else {
        exchange.addHeader("Access-Control-Expose-Headers", exposedHeaders);
      }
    }
    if (isPreflight) {
      const { response } = exchange.toNode();
      response.statusCode = 204;
      response.end();
    }
    return isPreflight;
  };
}
