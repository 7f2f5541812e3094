import { gunzipSync, gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  GetRunnerResponseSchema,
  type Runner,
  RunnerCapability,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { openFileRunnerStore, type RunnerServerOptions } from "../../src/server/index.ts";
import { getRunnerPath, runner, startServer } from "../support/server.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const { runnerId } = runner;

const fixture = {
  runner: {
    runnerId,
    status: {
      phase: "RUNNER_PHASE_PAUSED",
      message: "ü".repeat(1000),
      capabilities: ["RUNNER_CAPABILITY_WARM_POOL", "RUNNER_CAPABILITY_TELEPORT"],
    },
    uptime: "1.50s",
  },
  requestCost: 0.25,
};

/** Serves the fixture from a lenient store. */
async function serve(options: Partial<RunnerServerOptions> = {}) {
  const folder = makeTempFolder();
  folder.write("a.json", JSON.stringify(fixture, null, 2));
  const store = await openFileRunnerStore({ paths: [folder.path], lenient: true, watch: false });
  const server = await startServer({ store, ...options });
  const body = JSON.stringify({ runnerId });
  return {
    url: server.url + getRunnerPath,
    post: async (headers: Record<string, string>, content: BodyInit = body) => {
      const response = await fetch(server.url + getRunnerPath, {
        method: "POST",
        headers,
        body: content,
      });
      expect(response.status).toBe(200);
      return Buffer.from(await response.arrayBuffer());
    },
  };
}

/** An interceptor that changes nothing. It disables the fast path. */
const noop: Interceptor = (next) => (request) => next(request);

describe.each([
  ["with the fast path", {}],
  ["without the fast path", { interceptors: [noop] }],
])("fields and enum values of a newer contract, in a server %s, are in", (_, options) => {
  test.each([
    ["a POST", { "Content-Type": "application/json" }, undefined],
    ["a POST with a charset", { "Content-Type": "application/json; charset=utf-8" }, undefined],
    [
      "a compressed POST",
      { "Content-Type": "application/json", "Content-Encoding": "gzip" },
      gzipSync(JSON.stringify({ runnerId })),
    ],
    [
      "a POST with an escape",
      { "Content-Type": "application/json" },
      `{"runner\\u0049d":"${runnerId}"}`,
    ],
  ])("%s", async (_, headers, body) => {
    const { post } = await serve(options);
    for (let n = 0; n < 2; n++) {
      expect(JSON.parse((await post(headers, body)).toString())).toEqual(fixture);
    }
  });

  test("a GET", async () => {
    const { url } = await serve(options);
    for (const connect of ["connect=v1&", ""]) {
      const message = encodeURIComponent(JSON.stringify({ runnerId }));
      const response = await fetch(`${url}?${connect}encoding=json&message=${message}`);
      expect(await response.json()).toEqual(fixture);
    }
  });

  test("a call of gRPC-Web in JSON", async () => {
    const { post } = await serve(options);
    const message = Buffer.from(JSON.stringify({ runnerId }));
    const envelope = Buffer.alloc(5);
    envelope.writeUInt32BE(message.length, 1);
    const headers = { "Content-Type": "application/grpc-web+json" };
    const received = await post(headers, Buffer.concat([envelope, message]));
    const isCompressed = received[0] === 1;
    const payload = received.subarray(5, 5 + received.readUInt32BE(1));
    expect(JSON.parse((isCompressed ? gunzipSync(payload) : payload).toString())).toEqual(fixture);
  });

  test("but not in binary", async () => {
    const { post } = await serve(options);
    const response = await post(
      { "Content-Type": "application/proto" },
      Buffer.concat([Buffer.of(10, 36), Buffer.from(runnerId)]),
    );
    const known = create(GetRunnerResponseSchema, {
      runner: {
        runnerId,
        status: {
          message: fixture.runner.status.message,
          capabilities: [RunnerCapability.WARM_POOL],
        },
      },
    });
    expect(response).toEqual(Buffer.from(toBinary(GetRunnerResponseSchema, known)));
  });
});

test("an interceptor that changes the response has the last word", async () => {
  const rename: Interceptor = (next) => async (request) => {
    const response = await next(request);
    const message = response.message as unknown as { runner: Runner };
    return {
      ...response,
      message: { ...message, runner: { ...message.runner, name: "x" } },
    } as never;
  };
  const { post } = await serve({ interceptors: [rename] });
  const response = JSON.parse((await post({ "Content-Type": "application/json" })).toString());
  expect(response.runner.name).toBe("x");
  expect(response.runner.uptime).toBeUndefined();
});
