import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createTokenVerifier } from "../../src/server/index.ts";
import { echo } from "../support/echo-service.ts";
import { connectRaw } from "../support/raw.ts";
import { getRunnerPath, startServer } from "../support/server.ts";

/** Starts a server with streaming methods that fail before they have read the whole request. */
function startFailingServer() {
  const fail = () => {
    throw new ConnectError("no more", Code.Aborted);
  };
  const failAfterFirst = async (messages: AsyncIterable<unknown>) => {
    for await (const _ of messages) {
      fail();
    }
  };
  return startServer({
    verifyToken: createTokenVerifier(["one"]),
    routes: (router: ConnectRouter) =>
      router.service(echo, {
        say: fail,
        // biome-ignore lint/correctness/useYield: it fails before its first message
        async *repeat() {
          fail();
        },
        collect: failAfterFirst,
        // biome-ignore lint/correctness/useYield: it fails before its first message
        async *chat(messages: AsyncIterable<unknown>) {
          await failAfterFirst(messages);
        },
      } as never),
  });
}

/** Returns a message in an envelope of Connect's streams, gRPC and gRPC-Web. */
function envelope(text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

const contentTypes = [
  "application/json",
  "application/connect+json",
  "application/grpc+json",
  "application/grpc-web+json",
];
const methods = ["Repeat", "Collect", "Chat"].map((name) => `/test.EchoService/${name}`);

/** Each request, with the code of its response in the protocol of the content type. */
const requests = contentTypes.flatMap((contentType) => {
  const isStream = contentType !== "application/json";
  const isConnect = !contentType.includes("grpc");
  return [
    ...(isStream ? methods : []).flatMap((path) => [
      // Repeat fails because it gets more than one message, the others by themselves.
      ...(path.endsWith("Repeat")
        ? [{ path, contentType, token: "one", code: isConnect ? "unimplemented" : "12" }]
        : [{ path, contentType, token: "one", code: isConnect ? "aborted" : "10" }]),
      { path, contentType, token: "two", code: isConnect ? "unauthenticated" : "16" },
    ]),
    { path: "/nope", contentType, token: "one", code: isConnect ? "HTTP 404" : "12" },
    { path: "/healthz", contentType, token: "one", code: "HTTP 405" },
    ...(contentType === "application/connect+json"
      ? [{ path: getRunnerPath, contentType, token: "one", code: "HTTP 415" }]
      : [
          // The message is too large.
          { path: getRunnerPath, contentType, token: "one", code: isStream ? "8" : "HTTP 429" },
          { path: getRunnerPath, contentType, token: "two", code: isStream ? "16" : "HTTP 401" },
        ]),
  ];
});

/** More than the server reads ahead: many messages for streams, otherwise a large one. */
const bodyFor = (path: string) =>
  methods.includes(path)
    ? Buffer.concat(Array(20_000).fill(envelope('"message"')))
    : envelope(`"${"x".repeat(300_000)}"`);

describe("after a response to a request that it has not read completely, the server", () => {
  test.each(requests.filter(({ path }) => !path.endsWith("/Chat")))(
    "serves the next request on the connection: $path as $contentType with $code",
    async ({ path, contentType, token }) => {
      const { port, url } = await startFailingServer();
      const { socket, until } = await connectRaw(port);
      socket.write(
        [
          `POST ${path} HTTP/1.1`,
          "Host: localhost",
          `Content-Type: ${contentType}`,
          `Content-Length: ${bodyFor(path).length}`,
          `Authorization: Bearer ${token}`,
          "\r\n",
        ].join("\r\n"),
      );
      socket.write(bodyFor(path));
      await until(/^HTTP\/1\.1 \d+ /);
      socket.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await until(/ok\n$/);
      await untilDoneWithCalls(url);
    },
  );

  test.each(requests.flatMap((request) => [true, false].map((ends) => ({ ...request, ends }))))(
    "ends the HTTP/2 stream without an error: $path as $contentType with $code (request ends: $ends)",
    async ({ path, contentType, token, code, ends }) => {
      const { url } = await startFailingServer();
      const session = connectHttp2(url);
      onTestFinished(() => session.destroy());
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": contentType,
        authorization: `Bearer ${token}`,
      });
      stream.write(bodyFor(path));
      if (ends) {
        stream.end();
      }
      let fields: Record<string, unknown> = {};
      stream.on("response", (headers) => {
        fields = { ...headers };
      });
      stream.on("trailers", (trailers) => {
        fields = { ...fields, ...trailers };
      });
      let text = "";
      stream.setEncoding("latin1").on("data", (chunk) => {
        text += chunk;
      });
      await once(stream, "close");
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
      const inBody = /"code":"(\w+)"|grpc-status: (\d+)/.exec(text)?.slice(1).join("");
      const inHeaders = fields["grpc-status"] ?? `HTTP ${fields[":status"]}`;
      expect(inHeaders === "HTTP 200" ? inBody : inHeaders).toBe(code);
      await untilDoneWithCalls(url);
    },
  );
});

/** Waits until the server, too, is done with all calls. */
async function untilDoneWithCalls(url: string): Promise<void> {
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  await vi.waitUntil(async () => (await metrics()).includes("calls_in_flight 0"), 5000);
}
