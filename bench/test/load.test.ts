import { once } from "node:events";
import { createServer as createHttp1Server, type RequestListener } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Answer, Connection } from "../load/connection.ts";
import { openHttp1 } from "../load/http1.ts";
import { openHttp2 } from "../load/http2.ts";
import { http1Bytes, jsonPost } from "../request.ts";

const body = "x".repeat(100_000);
let server: Server;

afterEach(async () => {
  server.close();
  await once(server, "close");
});

test.each<[string, RequestListener]>([
  ["a length", (_, response) => response.end(body)],
  [
    "chunks",
    (_, response) => {
      response.write(body.slice(0, 10));
      response.end(body.slice(10));
    },
  ],
])("HTTP/1.1: counts the answers that come with %s", async (_, answer) => {
  server = createHttp1Server(answer);
  const port = await listen();
  const bytes = http1Bytes(jsonPost(), port);
  const answers = await call(5, 1, (onAnswer) => openHttp1(port, () => bytes, onAnswer));
  expect(answers).toEqual(Array(5).fill({ status: 200, bodyLength: body.length }));
});

test("HTTP/2: counts the answers of many streams, beyond the first window", async () => {
  const sessions = createHttp2Server((request, response) => {
    expect(request.url).toBe("/gitpod.v1.RunnerService/GetRunner");
    expect(request.headers.authorization).toMatch(/^Bearer /);
    response.end(body.slice(0, 60_000));
  });
  server = sessions;
  const port = await listen();
  const answers = await call(400, 64, (onAnswer) => openHttp2(port, jsonPost(), onAnswer));
  expect(answers).toEqual(Array(400).fill({ status: 200, bodyLength: 60_000 }));
});

async function listen(): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

/** Makes `count` calls, `atOnce` at once. */
async function call(
  count: number,
  atOnce: number,
  open: (onAnswer: (answer: Answer) => void) => Promise<Connection>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const connection = await open(({ status, bodyLength }) => {
    answers.push({ status, bodyLength });
    if (answers.length === count) {
      resolve();
    } else if (answers.length <= count - atOnce) {
      connection.send();
    }
  });
  for (let index = 0; index < atOnce; index++) {
    connection.send();
  }
  await promise;
  connection.close();
  return answers;
}
