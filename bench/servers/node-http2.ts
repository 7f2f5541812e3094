import { createServer } from "node:http2";
import { handleRequests } from "../control-channel.ts";
import type { WireResponse } from "../http-response.ts";
import { listen } from "./listen.ts";

// The upper limit of node:http2, like node-http.ts for HTTP/1.1.
handleRequests(({ headers, body }: WireResponse) => {
  const allHeaders: Record<string, string | number> = {
    ":status": 200,
    "content-length": body.length,
  };
  for (let index = 0; index < headers.length; index += 2) {
    allHeaders[headers[index] ?? ""] = headers[index + 1] ?? "";
  }
  const server = createServer();
  server.on("stream", (stream) => {
    stream.resume();
    stream.on("end", () => {
      stream.respond(allHeaders);
      stream.end(body);
    });
  });
  return listen(server);
});
