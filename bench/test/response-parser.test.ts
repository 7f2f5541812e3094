import { expect, test } from "vitest";
import type { ResponseSummary } from "../load/connection.ts";
import { createResponseParser } from "../load/http1.ts";

const bytes = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" +
    "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n" +
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
);

test("the response parser finds every response, however the bytes are split", () => {
  for (let size = 1; size <= bytes.length; size++) {
    const responses: ResponseSummary[] = [];
    const parse = createResponseParser(({ status, bodyLength }) =>
      responses.push({ status, bodyLength }),
    );
    for (let offset = 0; offset < bytes.length; offset += size) {
      // The socket reuses its buffer.
      const chunk = Buffer.from(bytes.subarray(offset, offset + size));
      parse(chunk);
      chunk.fill(0);
    }
    expect(responses).toEqual([
      { status: 200, bodyLength: 3 },
      { status: 404, bodyLength: 13 },
      { status: 200, bodyLength: 0 },
    ]);
  }
});
