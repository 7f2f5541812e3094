import { once } from "node:events";
import { createServer as createHttp1Server, type RequestListener } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Connection, ResponseSummary } from "../load/connection.ts";
import { openHttp1 } from "../load/http1.ts";
import { openHttp2 } from "../load/http2.ts";
import { encodeHttp1, jsonPost } from "../request.ts";

const body = "x".repeat(100_000);
let server: Server;

afterEach(async () => {
  server.close();
  await once(server, "close");
});

test.each<[string, RequestListener]>([
  ["a content length", (_, response) => response.end(body)],
  [
    "chunks",
    (_, response) => {
      response.write(body.slice(0, 10));
      response.end(body.slice(10));
    },
  ],
])("HTTP/1.1: reports responses with %s", async (_, respond) => {
  server = createHttp1Server(respond);
  const port = await listen();
  const bytes = encodeHttp1(jsonPost(), port);
  const responses = await makeCalls(5, 1, (onResponse) => openHttp1(port, () => bytes, onResponse));
  expect(responses).toEqual(Array(5).fill({ status: 200, bodyLength: body.length }));
});

test("HTTP/2: reports the responses of many streams, beyond the initial flow-control window", async () => {
  const http2Server = createHttp2Server((request, response) => {
    expect(request.url).toBe("/gitpod.v1.RunnerService/GetRunner");
    expect(request.headers.authorization).toMatch(/^Bearer /);
    response.end(body.slice(0, 60_000));
  });
  server = http2Server;
  const port = await listen();
  const responses = await makeCalls(400, 64, (onResponse) =>
    openHttp2(port, jsonPost(), onResponse),
  );
  expect(responses).toEqual(Array(400).fill({ status: 200, bodyLength: 60_000 }));
});

async function listen(): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

/** Makes `count` calls, `concurrency` at a time. */
async function makeCalls(
  count: number,
  concurrency: number,
  open: (onResponse: (response: ResponseSummary) => void) => Promise<Connection>,
): Promise<ResponseSummary[]> {
  const responses: ResponseSummary[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const connection = await open(({ status, bodyLength }) => {
    responses.push({ status, bodyLength });
    if (responses.length === count) {
      resolve();
    } else if (responses.length <= count - concurrency) {
      connection.send();
    }
  });
  for (let index = 0; index < concurrency; index++) {
    connection.send();
  }
  await promise;
  connection.close();
  return responses;
}
