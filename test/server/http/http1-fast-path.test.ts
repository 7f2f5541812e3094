import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { expect, onTestFinished, test } from "vitest";
import { RunnerSchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { createMemoryRunnerStore, createTokenVerifier } from "../../../src/server/index.ts";
import {
  almostGoodPath,
  almostGoodQuery,
  chance,
  mutate,
  oneOf,
  seed,
} from "../../support/hostile-requests.ts";
import { connectRaw, rawPost } from "../../support/raw.ts";
import { getRunnerPath, runner, startServer, unknownId } from "../../support/server.ts";

const body = JSON.stringify({ runnerId: runner.runnerId });

/** Subscribes `listener` to a diagnostics channel of Node.js until the end of the test. */
function listen<Message>(channel: string, listener: (message: Message) => void): void {
  const onMessage = (message: unknown) => listener(message as Message);
  subscribe(channel, onMessage);
  onTestFinished(() => void unsubscribe(channel, onMessage));
}

/** Counts the requests that node:http parses, by server port. */
function countNodeRequests(): Map<number, number> {
  const counts = new Map<number, number>();
  listen<{ request: IncomingMessage }>("http.server.request.start", ({ request }) => {
    const port = request.socket.localPort ?? 0;
    counts.set(port, (counts.get(port) ?? 0) + 1);
  });
  return counts;
}

test(`sends the same bytes whether a request arrives in one chunk or in two (seed ${seed})`, async () => {
  const options = {
    verifyToken: createTokenVerifier(["let-me-in"]),
    // The end of a connection is the end of its responses. Timeouts of seconds, because a busy machine
    // must not run into them, except for the idle timeout: it starts after a response.
    limits: { headersTimeoutMs: 5000, requestTimeoutMs: 5000, idleTimeoutMs: 100 },
  };
  const whole = await startServer(options);
  const split = await startServer(options);
  const nodeRequests = countNodeRequests();
  const accepted = new Map<number | undefined, Socket>();
  listen<{ socket: Socket }>("net.server.socket", ({ socket }) => {
    accepted.set(socket.remotePort, socket);
  });
  let requests = 0;
  let succeeded = 0;
  const work = Array.from({ length: 100 }, async () => {
    for (let i = 0; i < 8; i++) {
      const bytes = almostSimpleRequest();
      const [one, other] = await Promise.all([
        responseTo(accepted, whole.port, bytes),
        responseTo(accepted, split.port, bytes.subarray(0, 20), bytes.subarray(20)),
      ]);
      // When Node.js detects malformed HTTP, it drops a response in progress, which is a race.
      if (![one, other].some((response) => response.includes(badRequest))) {
        expect(one, JSON.stringify(bytes.toString("latin1"))).toBe(other);
      }
      requests += 1;
      succeeded += one.startsWith("HTTP/1.1 200 ") ? 1 : 0;
    }
  });
  await Promise.all(work);
  // Of the requests in one chunk, many were served without node:http, and many were not.
  const byNode = nodeRequests.get(whole.port) ?? 0;
  expect(succeeded).toBeGreaterThan(requests / 4);
  expect(byNode).toBeGreaterThan(requests / 4);
  expect((nodeRequests.get(split.port) ?? 0) - byNode).toBeGreaterThan(requests / 4);
}, 120_000);

/** The response of Node.js to malformed HTTP. */
const badRequest = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

/** The response of Node.js to an incomplete request, unless the idle timeout passes first. */
const requestTimeout = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

/**
 * Sends chunks, each when the server has read the previous one, and returns all that the server sends
 * back, without dates and request ids. `accepted` has the server's connections by remote port.
 */
async function responseTo(
  accepted: ReadonlyMap<number | undefined, Socket>,
  port: number,
  ...chunks: Buffer[]
): Promise<string> {
  const connection = await connectRaw(port);
  const { localPort } = connection.socket;
  let sent = 0;
  for (const chunk of chunks) {
    connection.socket.write(chunk);
    sent += chunk.length;
    // A server that has rejected the request reads no more of it.
    while (!connection.socket.destroyed && accepted.get(localPort)?.bytesRead !== sent) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  await connection.closed;
  return connection.received
    .replace(requestTimeout, "")
    .replaceAll(/^Date: .*$/gm, "Date:")
    .replaceAll(/^(x-request-id): [\da-f]{16}-\w+$/gm, "$1:");
}

/** Generates a request that is simple, or deviates from that in a few places. */
function almostSimpleRequest(): Buffer {
  const id = chance(0.9) ? runner.runnerId : unknownId;
  const json = JSON.stringify({ runnerId: id });
  const isGet = chance(0.2);
  const query = chance(0.7)
    ? `?connect=v1&encoding=json&message=${encodeURIComponent(json)}`
    : almostGoodQuery(false, Buffer.from(json));
  const path = chance(0.9) ? getRunnerPath : almostGoodPath();
  const target = path + (isGet || chance(0.05) ? query : "");
  const headers = ["Host: localhost", "Authorization: Bearer let-me-in"];
  if (!isGet) {
    headers.push("Content-Type: application/json", `Content-Length: ${json.length}`);
  }
  let line = `${isGet ? "GET" : "POST"} ${target} HTTP/1.1`;
  let end = "\r\n";
  let rest = isGet ? "" : json;
  while (chance(0.5)) {
    const at = headers.indexOf(oneOf(headers));
    oneOf<() => void>([
      () => headers.push(oneOf(extraHeaders)),
      () => headers.push(oneOf(extraHeaders)),
      () => headers.push(oneOf(extraHeaders)),
      () => headers.push(headers[at] ?? ""),
      () => headers.splice(at, 1),
      () => {
        headers[at] = oneOf<(header: string) => string>([
          (header) => header.toUpperCase(),
          (header) => header.replace(": ", ":"),
          (header) => header.replace(": ", ":  "),
          (header) => header.replace(": ", ":\t"),
          (header) => header.replace(":", " :"),
          (header) => `${header} `,
          (header) => ` ${header}`,
          (header) => header.replace(/:.*/, ":"),
        ])(headers[at] ?? "");
      },
      () => {
        line = line.replace(
          ...oneOf<[string, string]>([
            ["HTTP/1.1", "HTTP/1.0"],
            ["HTTP/1.1", "HTTP/1.1 "],
            ["POST", "PUT"],
            ["GET", "HEAD"],
            [" /", " http://localhost/"],
            [" /", " HTTP://localhost:1/"],
            [" /", " http://evil.example.com/"],
            [" /", " http://a@localhost/"],
            ["/gitpod", "//gitpod"],
            ["/gitpod", "/\xe9gitpod"],
            ["GetRunner", "GetRunner#x"],
          ]),
        );
      },
      () => {
        end = "\n";
      },
      () => {
        rest += oneOf(["\r\n", "x", `GET /readyz HTTP/1.1${end}Host: localhost${end}${end}`]);
      },
      () => {
        rest = rest.slice(1);
      },
    ])();
  }
  const bytes = Buffer.from([line, ...headers, "", rest].join(end), "latin1");
  return chance(0.05) ? mutate(bytes) : bytes;
}

const extraHeaders = [
  "Connection: keep-alive",
  "Connection: Keep-Alive",
  "Connection: close",
  "Connection: close, x",
  "Connection: upgrade",
  "Proxy-Connection: close",
  "Upgrade: h2c",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Expect: 100-continue",
  "Expect: x",
  "Content-Length: 51",
  "Content-Length: 051",
  "Content-Length: 1",
  "Content-Length: +51",
  "Content-Encoding: gzip",
  "Accept-Encoding: gzip",
  "X-Request-Id: mine",
  "X-Request-Id: not mine",
  "Connect-Timeout-Ms: 60000",
  "Connect-Timeout-Ms: 0",
  "Authorization: Bearer guess",
  "Host: 127.0.0.1",
  "Host: a b",
  "Host: localhost/",
  "Host: a@localhost",
  "Accept-Encoding: gzip;q=0, br",
  "Accept-Encoding: br ,gzip",
  "Origin: https://evil.example.com",
  `X-Many: x\r\n${Array.from({ length: 200 }, (_, n) => `X${n}: y`).join("\r\n")}`,
  `X-Many: x\r\n${Array.from({ length: 1000 }, (_, n) => `X${n}: y`).join("\r\n")}`,
  "X-Empty:",
  "X-Text: \xe9",
  "X-Tab: a\tb",
  "X_Underscore: 1",
  "__proto__: 1",
  "constructor: 1",
  "no header",
  " folded",
  `X-Long: ${"x".repeat(20_000)}`,
];

test("serves all requests of a connection in order", async () => {
  const nodeRequests = countNodeRequests();
  const { port } = await startServer();
  const { socket, until } = await connectRaw(port);
  const good = rawPost(body);
  const expectStatuses = async (...statuses: number[]) => {
    const all = statuses.map((status) => `HTTP/1\\.1 ${status} [\\s\\S]*}`).join("\\s*");
    await until(new RegExp(`^${all}$`));
  };
  socket.write(good);
  await expectStatuses(200);
  socket.write(good);
  await expectStatuses(200, 200);
  expect(nodeRequests.get(port)).toBeUndefined();

  socket.write(rawPost(body.replaceAll(runner.runnerId, unknownId)));
  await expectStatuses(200, 200, 404);
  socket.write(good + good);
  await expectStatuses(200, 200, 404, 200, 200);
  socket.write(good);
  await expectStatuses(200, 200, 404, 200, 200, 200);
  expect(nodeRequests.get(port)).toBe(4);
});

test("does not buffer responses without limit for a client that does not read them", async () => {
  const name = "x".repeat(1_000_000);
  const store = createMemoryRunnerStore([create(RunnerSchema, { ...runner, name })]);
  const accepted: Socket[] = [];
  listen<{ socket: Socket }>("net.server.socket", ({ socket }) => accepted.push(socket));
  const { port } = await startServer({ store });
  const { socket } = await connectRaw(port);
  socket.pause();
  const request = rawPost(body);
  // Each request is a chunk of its own. Stops when the server reads no more.
  for (let sent = 1, isReading = true; sent <= 50 && isReading; sent++) {
    socket.write(request);
    const timeout = AbortSignal.timeout(3000);
    do {
      await new Promise((resolve) => setTimeout(resolve, 1));
      isReading = accepted[0]?.bytesRead === sent * request.length;
    } while (!isReading && !timeout.aborted);
  }
  expect(accepted).toHaveLength(1);
  expect(accepted[0]?.writableLength).toBeGreaterThan(0);
  expect(accepted[0]?.writableLength).toBeLessThan(10_000_000);
});

test("sends Connection: close to a client that calls while the server closes", async () => {
  const server = await startServer();
  const connection = await connectRaw(server.port);
  connection.socket.write(rawPost(body));
  await connection.until(/^HTTP\/1\.1 200 [\s\S]*Connection: keep-alive[\s\S]*}$/);
  const closed = server.close({ timeoutMs: 60_000 });
  connection.socket.write(rawPost(body));
  await connection.until(/}HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*}$/);
  await connection.closed;
  await closed;
});
