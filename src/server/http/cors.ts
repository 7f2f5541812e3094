import { cors } from "@connectrpc/connect";
import { requestIdHeader } from "../observability/request-id.ts";
import type { RequestHead } from "./exchange.ts";

/** How long a browser may remember the answer to a preflight, in seconds: two hours, the most Chromium does. */
const maxAgeSeconds = 7200;

/** Headers beyond those of the protocols: that of the token, and those of the server. */
const allowedHeaders = [...cors.allowedHeaders, "Authorization", requestIdHeader].join(", ");
const exposedHeaders = [...cors.exposedHeaders, requestIdHeader, "WWW-Authenticate"].join(", ");

/** What web pages of other origins need from the server. */
export interface Cors {
  /** Whether a request is a browser's question before a call. It is answered with headers alone. */
  isPreflight(request: RequestHead): boolean;
  /** The headers of the answer to a request: names and values in turn. */
  headersFor(request: RequestHead): readonly string[];
}

const none: readonly string[] = [];

/** Lets web pages of `origins` (`*` for all) call the server. */
export function createCors(origins: readonly string[]): Cors {
  const all = origins.includes("*");
  const known = new Set(origins);

  function isPreflight({ method, headers }: RequestHead): boolean {
    return (
      known.size > 0 &&
      method === "OPTIONS" &&
      headers["access-control-request-method"] !== undefined
    );
  }

  return {
    isPreflight,
    headersFor(request) {
      if (known.size === 0) {
        return none;
      }
      const result = all ? [] : ["Vary", "Origin"];
      const { origin } = request.headers;
      if (origin !== undefined && (all || known.has(origin))) {
        result.push("Access-Control-Allow-Origin", all ? "*" : origin);
        if (isPreflight(request)) {
          result.push("Access-Control-Allow-Methods", cors.allowedMethods.join(", "));
          result.push("Access-Control-Allow-Headers", allowedHeaders);
          result.push("Access-Control-Max-Age", `${maxAgeSeconds}`);
        } else {
          result.push("Access-Control-Expose-Headers", exposedHeaders);
        }
      }
      return result;
    },
  };
}
