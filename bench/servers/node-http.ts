import { createServer } from "node:http";
import type { WireAnswer } from "../answer.ts";
import { answerQuestions } from "../answer-questions.ts";
import { listen } from "./listen.ts";

/** What is written. */
export interface NodeHttpSetUp extends WireAnswer {
  /** In so many places of memory the body is, and one is written, at random. Default: 1. */
  readonly copies?: number;
}

// The limit: what node:http can do if nothing is decoded, decided or encoded. It
// reads the request to its end, and writes the same bytes every time.
answerQuestions(({ headers, body, copies = 1 }: NodeHttpSetUp) => {
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
