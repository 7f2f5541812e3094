import { connectionError, type HttpClient } from "./http-client.ts";

/**
 * An HTTP client on the platform's own fetch. It follows no redirects.
 *
 * In a browser, an answer that the server does not share with the page's origin
 * (CORS) looks like none.
 */
export const fetchHttpClient: HttpClient = async ({ url, method, header, body, signal }) => {
  try {
    const response = await fetch(url, {
      method,
      headers: [...header],
      body,
      signal,
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
