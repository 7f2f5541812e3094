import type { RequestHead } from "./exchange.ts";

/** How long browsers may cache a preflight response, in seconds: two hours, Chromium's maximum. */
const maxAgeSeconds = 7200;

/** The CORS headers of a server. */
export interface Cors {
  /** Returns whether a request is a CORS preflight. Its response has headers only. */
  isPreflight(request: RequestHead): boolean;
  /**
   * Returns false for a request from a web page of another origin than the server's own which is
   * not allowed. Such a request is served, but the browser hides the response from the page.
   */
  isAllowed(request: RequestHead): boolean;
  /** Returns the headers to add to the response to a request. Names and values alternate. */
  headersFor(request: RequestHead): readonly string[];
}

const noHeaders: readonly string[] = [];

/** Options of {@link createCors}. */
export interface CorsOptions {
  /** The origins of web pages that may call the server, `*` for all. If empty, CORS is disabled. */
  readonly origins: readonly string[];
  /** The methods that web pages may use. */
  readonly methods: readonly string[];
  /** The request headers that web pages may send. */
  readonly allowedHeaders: readonly string[];
  /** The response headers that web pages may read. */
  readonly exposedHeaders: readonly string[];
}

/**
 * Returns whether `text` is an origin as browsers send it in the `Origin` header: a scheme, a host, and
 * a port unless it is the default one of the scheme. `null` is the origin of a sandboxed page.
 */
export function isOrigin(text: string): boolean {
  if (/^https?:/i.test(text)) {
    return URL.parse(text)?.origin === text && !text.includes("*");
  }
  // Other schemes, such as those of browser extensions and mobile apps.
  return text === "null" || /^[a-z][a-z\d+.-]*:\/\/[^/?#@\s]+$/.test(text);
}

/** Creates the CORS headers (https://fetch.spec.whatwg.org/#http-cors-protocol) of a server. */
export function createCors({ origins, ...options }: CorsOptions): Cors {
  const methods = options.methods.join(", ");
  const allowedHeaders = options.allowedHeaders.join(", ");
  const exposedHeaders = options.exposedHeaders.join(", ");
  const allowsAll = origins.includes("*");
  const allowedOrigins = new Set(origins);

  function isPreflight({ method, headers }: RequestHead): boolean {
    return (
      allowedOrigins.size > 0 &&
      method === "OPTIONS" &&
      headers["access-control-request-method"] !== undefined
    );
  }

  return {
    isPreflight,
    isAllowed({ headers: { origin }, authority = "" }) {
      return (
        origin === undefined ||
        allowsAll ||
        allowedOrigins.has(origin) ||
        origin.toLowerCase().replace(/^https?:\/\//, "") === authority.toLowerCase()
      );
    },
    headersFor(request) {
      if (allowedOrigins.size === 0) {
        return noHeaders;
      }
      const result = allowsAll ? [] : ["Vary", "Origin"];
      const { origin } = request.headers;
      if (origin !== undefined && (allowsAll || allowedOrigins.has(origin))) {
        result.push("Access-Control-Allow-Origin", allowsAll ? "*" : origin);
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
