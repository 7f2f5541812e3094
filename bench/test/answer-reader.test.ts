import { expect, test } from "vitest";
import type { Answer } from "../load/connection.ts";
import { createAnswerReader } from "../load/http1.ts";

const bytes = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" +
    "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n" +
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
);

test("answers are told apart, wherever the bytes are split", () => {
  for (let size = 1; size <= bytes.length; size++) {
    const answers: Answer[] = [];
    const read = createAnswerReader(({ status, bodyLength }) =>
      answers.push({ status, bodyLength }),
    );
    for (let at = 0; at < bytes.length; at += size) {
      // As the socket does, in a buffer that is used again.
      const chunk = Buffer.from(bytes.subarray(at, at + size));
      read(chunk);
      chunk.fill(0);
    }
    expect(answers).toEqual([
      { status: 200, bodyLength: 3 },
      { status: 404, bodyLength: 13 },
      { status: 200, bodyLength: 0 },
    ]);
  }
});
