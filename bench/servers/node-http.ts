import { createServer } from "node:http";
import { handleRequests } from "../control-channel.ts";
import type { WireResponse } from "../http-response.ts";
import { listen } from "./listen.ts";

/** The response to write. */
export interface NodeHttpOptions extends WireResponse {
  /** The number of copies of the body in memory. Each call writes a random one. Default: 1. */
  readonly copies?: number;
}

// The upper limit of node:http: nothing is decoded, looked up or encoded. It reads
// the request to its end and writes the same bytes every time.
handleRequests(({ headers, body, copies = 1 }: NodeHttpOptions) => {
  const bodies = Array.from({ length: copies }, () => Buffer.from(body));
  const allHeaders = [...headers, "Content-Length", String(body.length)];
  const server = createServer({ keepAliveTimeout: 75_000, noDelay: true }, (request, response) => {
    request.resume();
    request.on("end", () => {
      response.writeHead(200, allHeaders);
      response.end(bodies[Math.floor(Math.random() * copies)]);
    });
  });
  return listen(server);
});
