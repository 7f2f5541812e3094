import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { createTokenVerifier } from "../../src/server/index.ts";
import { createEchoClient } from "../support/echo-service.ts";
import { startServer } from "../support/server.ts";

const path = "/gitpod.v1.RunnerService/ListRunners";
const message = `unknown method ${path}`;

const transports: Record<string, (baseUrl: string, httpVersion: "1.1" | "2") => Transport> = {
  Connect: (baseUrl, httpVersion) => createConnectTransport({ baseUrl, httpVersion }),
  gRPC: (baseUrl, httpVersion) => createGrpcTransport({ baseUrl, httpVersion } as never),
  "gRPC with JSON": (baseUrl, httpVersion) =>
    createGrpcTransport({ baseUrl, httpVersion, useBinaryFormat: false } as never),
  "gRPC-Web": (baseUrl, httpVersion) => createGrpcWebTransport({ baseUrl, httpVersion }),
};

describe("an unknown method", () => {
  describe.each(["1.1", "2"] as const)("over HTTP/%s", (httpVersion) => {
    test.each(Object.entries(transports))("is unimplemented in %s", async (_, createTransport) => {
      // Without a token, too: there is nothing to protect.
      const { url } = await startServer({ verifyToken: createTokenVerifier(["one"]) });
      const client = createEchoClient(createTransport(url, httpVersion));
      const errorOf = (promise: Promise<unknown>) =>
        promise.then(
          () => undefined,
          (error) => ConnectError.from(error),
        );
      const unary = await errorOf(client.say({ value: "x" }));
      expect(unary).toMatchObject({ code: Code.Unimplemented });
      const stream = client.repeat({ value: "x" })[Symbol.asyncIterator]();
      expect(await errorOf(stream.next())).toMatchObject({ code: Code.Unimplemented });
    });
  });

  test.each(["application/grpc", "application/grpc+json", "Application/GRPC; charset=utf-8"])(
    "gets a response of headers only over HTTP/2 with %s",
    async (contentType) => {
      const { url } = await startServer();
      const session = connectHttp2(url);
      onTestFinished(() => session.destroy());
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": contentType,
      });
      const [headers, flags] = await once(stream, "response");
      // Clients ignore a status in headers that do not end the stream.
      expect(flags & constants.NGHTTP2_FLAG_END_STREAM).not.toBe(0);
      expect(headers).toMatchObject({
        ":status": 200,
        "content-type": "application/grpc",
        "grpc-status": "12",
        "grpc-message": encodeURIComponent(message),
      });
      // The client has not sent the end of its request; the server does not wait for it.
      await once(stream.resume(), "close");
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    },
  );

  test.each([
    ["application/grpc-web", "application/grpc-web"],
    ["application/grpc-web+proto", "application/grpc-web"],
    ["Application/GRPC-Web+JSON", "application/grpc-web"],
    ["application/grpc-web-text", "application/grpc-web-text"],
    ["application/grpc-web-text+proto", "application/grpc-web-text"],
  ])("gets trailers in the body with %s", async (contentType, responseType) => {
    const { url } = await startServer();
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "Content-Type": contentType },
      body: "",
    });
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, responseType]);
    let frame = Buffer.from(await response.arrayBuffer());
    if (responseType.endsWith("text")) {
      frame = Buffer.from(frame.toString(), "base64");
    }
    expect([frame[0], frame.readUInt32BE(1)]).toEqual([0x80, frame.length - 5]);
    expect(frame.subarray(5).toString().split("\r\n").sort()).toEqual([
      "",
      `grpc-message: ${encodeURIComponent(message)}`,
      "grpc-status: 12",
    ]);
  });

  test.each(["application/json", "application/connect+proto", "application/grpcx", "text/plain"])(
    "gets 404 with %s",
    async (contentType) => {
      const { url } = await startServer();
      const headers = { "Content-Type": contentType };
      const response = await fetch(url + path, { method: "POST", headers, body: "" });
      expect([response.status, await response.text()]).toEqual([404, ""]);
    },
  );
});
