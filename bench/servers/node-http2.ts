import { createServer } from "node:http2";
import type { WireAnswer } from "../answer.ts";
import { answerQuestions } from "../answer-questions.ts";
import { listen } from "./listen.ts";

// The limit over HTTP/2, as node-http.ts is over HTTP/1.1.
answerQuestions(({ headers, body }: WireAnswer) => {
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
