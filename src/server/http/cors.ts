import type { RequestHead } from "./exchange.ts";

/** How long a browser may memoize the answer to a preflight, in seconds: two hours, the most Chromium does. */
const maxAgeSeconds = 7200;

/** What web pages of other origins need from the server. */
export interface Cors {
  /** Whether a request is a browser's question before a call. It is answered with headers alone. */
  isPreflight(request: RequestHead): boolean;
  /** The headers of the answer to a request: names and values in turn. */
  headersFor(request: RequestHead): readonly string[];
}

const none: readonly string[] = [];

/** Options of {@link createCors}. */
export interface CorsOptions {
  /** The origins of the web pages that may call the server, `*` for all. */
  readonly origins: readonly string[];
  /** The methods that they may use. */
  readonly methods: readonly string[];
  /** The request headers that they may send. */
  readonly allowedHeaders: readonly string[];
  /** The response headers that they may read. */
  readonly exposedHeaders: readonly string[];
}

/** Creates the CORS headers (https://fetch.spec.whatwg.org/#http-cors-protocol) of a server. */
export function createCors({ origins, ...options }: CorsOptions): Cors {
  const methods = options.methods.join(", ");
  const allowedHeaders = options.allowedHeaders.join(", ");
  const exposedHeaders = options.exposedHeaders.join(", ");
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
          result.push("Access-Control-Allow-Methods", methods);
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
