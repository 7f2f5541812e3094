import { createServer } from "node:net";
import type { WireAnswer } from "../answer.ts";
import { answerQuestions } from "../answer-questions.ts";
import { listen } from "./listen.ts";

// What a socket of Node.js can do at all: whatever comes, it is taken for a request,
// and the same bytes are written, as text, which is quicker than as a Buffer.
answerQuestions(({ headers, body }: WireAnswer) => {
  const lines = ["HTTP/1.1 200 OK"];
  for (let index = 0; index < headers.length; index += 2) {
    lines.push(`${headers[index]}: ${headers[index + 1]}`);
  }
  lines.push(`Content-Length: ${body.length}`, `Date: ${new Date().toUTCString()}`);
  lines.push("Connection: keep-alive", "Keep-Alive: timeout=75", "", "");
  const answer = lines.join("\r\n") + Buffer.from(body).toString("latin1");
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", () => socket.write(answer, "latin1"));
  });
  return listen(server);
});
