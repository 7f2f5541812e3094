import { createServer } from "node:net";
import { handleRequests } from "../control-channel.ts";
import type { WireResponse } from "../http-response.ts";
import { listen } from "./listen.ts";

// The upper limit of a socket in Node.js: it treats every chunk as a request and
// writes the same response, as a string, which is faster than a Buffer.
handleRequests(({ headers, body }: WireResponse) => {
  const lines = ["HTTP/1.1 200 OK"];
  for (let index = 0; index < headers.length; index += 2) {
    lines.push(`${headers[index]}: ${headers[index + 1]}`);
  }
  lines.push(`Content-Length: ${body.length}`, `Date: ${new Date().toUTCString()}`);
  lines.push("Connection: keep-alive", "Keep-Alive: timeout=75", "", "");
  const response = lines.join("\r\n") + Buffer.from(body).toString("latin1");
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", () => socket.write(response, "latin1"));
  });
  return listen(server);
});
