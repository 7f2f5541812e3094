import { connectionError } from "./connection-error.ts";
import { fetchSignal } from "./fetch-signal.ts";
import type { HttpClient } from "./http-client.ts";

/**
 * The HTTP client that uses the platform's `fetch`. It does not follow redirects.
 *
 * In a browser, a response that CORS hides from the page is reported as a connection error.
 */
export const fetchHttpClient: HttpClient = async ({ url, method, header, body, signal }) => {
  try {
    const response = await fetch(url, {
      method,
      headers: [...header],
      body,
      signal: fetchSignal(signal),
      redirect: "manual",
    });
    return {
      status: response.status,
      header: response.headers,
      body: new Uint8Array(await response.arrayBuffer()),
    };
  } catch (error) {
    throw signal.aborted ? signal.reason : connectionError(url, error);
  }
};
