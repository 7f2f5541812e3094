import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunnerSchema, RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import {
  createRunnerServer,
  createTokenVerifier,
  type RunnerServer,
  type RunnerStore,
} from "../../src/server/index.ts";

const runner = create(RunnerSchema, {
  runnerId: "d2c94c27-3b76-4a42-b88c-95a85e392c68",
  name: "one",
});
const slowId = "00000000-0000-4000-8000-000000000001";
const unknownId = "00000000-0000-4000-8000-000000000000";

const store: RunnerStore = {
  get(runnerId) {
    // This store ignores its signal, so the server must not wait for it.
    return runnerId === slowId
      ? new Promise(() => {})
      : Promise.resolve(runnerId === runner.runnerId ? runner : undefined);
  },
};

const tls = {
  cert: readFileSync(new URL("../support/tls/cert.pem", import.meta.url)),
  key: readFileSync(new URL("../support/tls/key.pem", import.meta.url)),
};

interface Connection {
  readonly httpVersion: "1.1" | "2";
  readonly baseUrl: string;
  readonly nodeOptions: { ca?: Buffer };
}

const protocols: Record<string, (connection: Connection) => Transport> = {
  "Connect JSON": (connection) => createConnectTransport(connection as never),
  "Connect binary": (connection) =>
    createConnectTransport({ ...connection, useBinaryFormat: true } as never),
  "Connect GET": (connection) =>
    createConnectTransport({ ...connection, useHttpGet: true } as never),
  gRPC: (connection) => createGrpcTransport(connection as never),
  "gRPC JSON": (connection) =>
    createGrpcTransport({ ...connection, useBinaryFormat: false } as never),
  "gRPC-Web": (connection) => createGrpcWebTransport(connection as never),
};

const connections = [
  { name: "HTTP/1.1", httpVersion: "1.1", secure: false },
  { name: "HTTP/2 in cleartext", httpVersion: "2", secure: false },
  { name: "HTTP/1.1 over TLS", httpVersion: "1.1", secure: true },
  { name: "HTTP/2 over TLS", httpVersion: "2", secure: true },
] as const;

let cleartext: RunnerServer;
let secure: RunnerServer;

beforeAll(async () => {
  const options = { store, port: 0, verifyToken: createTokenVerifier(["one", "two"]) };
  cleartext = createRunnerServer(options);
  secure = createRunnerServer({ ...options, tls });
  await Promise.all([cleartext.start(), secure.start()]);
});

afterAll(() => Promise.all([cleartext.close(), secure.close()]));

describe.each(connections)("over $name", ({ httpVersion, secure: isSecure }) => {
  describe.each(Object.entries(protocols))("%s", (_, createTransport) => {
    function clientFor(path: string) {
      const url = (isSecure ? secure : cleartext).url;
      const connection: Connection = {
        httpVersion,
        baseUrl: `${url}${path}`,
        nodeOptions: isSecure ? { ca: tls.cert } : {},
      };
      return createClient(RunnerService, createTransport(connection));
    }

    async function outcome(
      request: { runnerId: string },
      options: { token?: string; timeoutMs?: number; path?: string } = {},
    ) {
      const { token = "two", timeoutMs, path = "" } = options;
      const headers = token === "" ? {} : { Authorization: `Bearer ${token}` };
      try {
        return await clientFor(path).getRunner(request, {
          headers,
          ...(timeoutMs !== undefined && { timeoutMs }),
        });
      } catch (error) {
        return ConnectError.from(error);
      }
    }

    test.each(["", "/api"])("returns a runner under %j", async (path) => {
      expect(await outcome(runner, { path })).toMatchObject({ runner });
    });

    test("returns not_found for an unknown id", async () => {
      expect(await outcome({ runnerId: unknownId })).toMatchObject({
        code: Code.NotFound,
        rawMessage: `no runner with id ${unknownId}`,
      });
    });

    test("returns invalid_argument with the violations for an invalid id", async () => {
      const error = await outcome({ runnerId: "nope" });
      expect(error).toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: "runner_id: must be a valid UUID [string.uuid]",
      });
      expect((error as ConnectError).findDetails(ViolationsSchema)).toMatchObject([
        { violations: [{ ruleId: "string.uuid" }] },
      ]);
    });

    test.each([
      ["", "no bearer token"],
      ["three", "the token was not accepted"],
    ])("returns unauthenticated for the token %j", async (token, message) => {
      const error = await outcome(runner, { token });
      expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: message });
      expect((error as ConnectError).metadata.get("WWW-Authenticate")).toBe("Bearer");
    });

    test("returns deadline_exceeded when the caller's deadline passes", async () => {
      expect(await outcome({ runnerId: slowId }, { timeoutMs: 50 })).toMatchObject({
        code: Code.DeadlineExceeded,
      });
    });

    test("returns the caller's request id", async () => {
      let requestId: string | null = null;
      await clientFor("").getRunner(
        { runnerId: runner.runnerId },
        {
          headers: { Authorization: "Bearer one", "X-Request-Id": "mine" },
          onHeader: (header) => {
            requestId = header.get("X-Request-Id");
          },
        },
      );
      expect(requestId).toBe("mine");
    });
  });
});
