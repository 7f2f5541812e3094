import { create } from "@bufbuild/protobuf";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, test } from "vitest";
import { RunnerSchema, RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import {
  createMemoryRunnerStore,
  createRunnerServer,
  type RunnerServer,
  type RunnerStore,
  StoreUnreachableError,
  UnreadableRunnerError,
} from "../../src/server/index.ts";
import { errorOf } from "../support/error-of.ts";

const runner = create(RunnerSchema, {
  runnerId: "d2c94c27-3b76-4a42-b88c-95a85e392c68",
  name: "one",
});
const unknownId = "00000000-0000-4000-8000-000000000000";

let server: RunnerServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(store: RunnerStore = createMemoryRunnerStore([runner])): Promise<string> {
  server = createRunnerServer({ store, port: 0 });
  return server.start();
}

async function startWithClient(store?: RunnerStore) {
  const baseUrl = await start(store);
  return createClient(RunnerService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
}

async function post(baseUrl: string, body: string) {
  const response = await fetch(`${baseUrl}/gitpod.v1.RunnerService/GetRunner`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
  });
  return { status: response.status, body: await response.json() };
}

describe("GetRunner", () => {
  test("returns the runner in Protobuf JSON", async () => {
    const { status, body } = await post(await start(), `{"runnerId":"${runner.runnerId}"}`);
    expect(status).toBe(200);
    expect(body).toEqual({ runner: { runnerId: runner.runnerId, name: "one" } });
  });

  test("accepts ids in upper case", async () => {
    const client = await startWithClient();
    const response = await client.getRunner({ runnerId: runner.runnerId.toUpperCase() });
    expect(response.runner).toEqual(runner);
  });

  test("returns runners that are stored with an id in upper case", async () => {
    const upperCase = create(RunnerSchema, { runnerId: runner.runnerId.toUpperCase() });
    const client = await startWithClient(createMemoryRunnerStore([upperCase]));
    const response = await client.getRunner({ runnerId: runner.runnerId });
    expect(response.runner).toEqual(upperCase);
  });

  test("returns not_found with the id for an unknown runner", async () => {
    const { status, body } = await post(await start(), `{"runnerId":"${unknownId}"}`);
    expect(status).toBe(404);
    expect(body).toEqual({ code: "not_found", message: expect.stringContaining(unknownId) });
  });

  test.each(["nope", ""])("returns invalid_argument for the id %j", async (runnerId) => {
    const { status, body } = await post(await start(), JSON.stringify({ runnerId }));
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("runner_id"),
      details: [{ type: "buf.validate.Violations" }],
    });
  });

  test("returns the violations as error detail", async () => {
    const client = await startWithClient();
    const error = await errorOf(client.getRunner({ runnerId: "nope" }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(ViolationsSchema)).toMatchObject([
      { violations: [{ ruleId: "string.uuid" }] },
    ]);
  });

  test.each(["{", "", "[]", "null", '{"runnerId":1}'])(
    "returns 400 for the body %j",
    async (body) => {
      const response = await post(await start(), body);
      expect(response.status).toBe(400);
      expect(response.body).toMatchObject({ code: "invalid_argument" });
    },
  );

  test("returns unavailable when the store is unreachable", async () => {
    const client = await startWithClient({
      get: () => Promise.reject(new StoreUnreachableError("down")),
    });
    const error = await errorOf(client.getRunner({ runnerId: runner.runnerId }));
    expect(error.code).toBe(Code.Unavailable);
  });

  test("returns data_loss with the id when a stored runner cannot be read", async () => {
    const client = await startWithClient({
      get: (id) => Promise.reject(new UnreadableRunnerError(id)),
    });
    const error = await errorOf(client.getRunner({ runnerId: runner.runnerId }));
    expect(error.code).toBe(Code.DataLoss);
    expect(error.rawMessage).toContain(runner.runnerId);
  });

  test("returns no details when the store throws an unexpected error", async () => {
    const client = await startWithClient({
      get: () => {
        throw new Error("password=secret");
      },
    });
    const error = await errorOf(client.getRunner({ runnerId: runner.runnerId }));
    expect(error.code).toBe(Code.Internal);
    expect(error.message).not.toContain("secret");
  });
});

describe("a server", () => {
  test("rejects with the port when the port is in use", async () => {
    const { port } = new URL(await start());
    const second = createRunnerServer({ store: createMemoryRunnerStore(), port: Number(port) });
    await expect(second.start()).rejects.toThrow(
      `port ${port} on 127.0.0.1 is in use; choose another with --port`,
    );
  });
});
