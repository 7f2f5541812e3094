import { Code, ConnectError } from "@connectrpc/connect";
import { type Dispatcher, errors } from "undici";
import { connectionError, type HttpClient, type HttpResponse } from "./http-client.ts";
import { type RawResponse, toHttpResponse } from "./raw-response.ts";

/**
 * Creates an HTTP client for one origin on a dispatcher of undici's. It follows
 * no redirects.
 *
 * It uses what undici's own `request()` is made of: that, and even more so
 * fetch, makes streams of bodies that are there in one piece.
 *
 * It asks for no compression, but understands gzip and Brotli: a runner fits
 * into two packets as it is.
 */
export function createUndiciHttpClient(dispatcher: Dispatcher, origin: string): HttpClient {
  return ({ url, method, header, body: requestBody, signal }) => {
    const headers = [...header].flat();
    if (!header.has("User-Agent")) {
      headers.push("User-Agent", "runner-service");
    }
    return new Promise<HttpResponse>((resolve, reject) => {
      let status = 0;
      let fields: RawResponse["fields"] = {};
      const chunks: Uint8Array[] = [];
      let controller: Dispatcher.DispatchController | undefined;
      const onAbort = () => {
        reject(signal.reason);
        controller?.abort(signal.reason);
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener("abort", onAbort);
      dispatcher.dispatch(
        {
          origin,
          path: url.slice(origin.length),
          method,
          headers,
          // Any Uint8Array will do, though the types ask for the one of Node.js.
          body: requestBody as string | Buffer | null,
        },
        {
          onRequestStart(newController) {
            // Only now is there a connection, so the call may have ended before.
            controller = newController;
            if (signal.aborted) {
              onAbort();
            }
          },
          onResponseStart(_, ...start) {
            [status, fields] = start;
          },
          onResponseData(_, chunk) {
            chunks.push(chunk);
          },
          onResponseEnd() {
            signal.removeEventListener("abort", onAbort);
            resolve(toHttpResponse({ status, fields, chunks }));
          },
          onResponseError(_, error) {
            signal.removeEventListener("abort", onAbort);
            reject(isClosed(error) ? closed() : connectionError(url, error));
          },
        },
      );
    });
  };
}

function isClosed(error: Error): boolean {
  return error instanceof errors.ClientClosedError || error instanceof errors.ClientDestroyedError;
}

function closed(): ConnectError {
  return new ConnectError("the client is closed", Code.FailedPrecondition);
}
