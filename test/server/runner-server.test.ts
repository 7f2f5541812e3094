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

async function clientOf(store?: RunnerStore) {
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
  test("answers with the runner, in Protobuf JSON", async () => {
    const { status, body } = await post(await start(), `{"runnerId":"${runner.runnerId}"}`);
    expect(status).toBe(200);
    expect(body).toEqual({ runner: { runnerId: runner.runnerId, name: "one" } });
  });

  test("takes ids in either case", async () => {
    const client = await clientOf();
    const response = await client.getRunner({ runnerId: runner.runnerId.toUpperCase() });
    expect(response.runner).toEqual(runner);
  });

  test("finds runners that were stored under an id in upper case", async () => {
    const shouting = create(RunnerSchema, { runnerId: runner.runnerId.toUpperCase() });
    const client = await clientOf(createMemoryRunnerStore([shouting]));
    const response = await client.getRunner({ runnerId: runner.runnerId });
    expect(response.runner).toEqual(shouting);
  });

  test("answers not_found, naming the id, for a runner it does not have", async () => {
    const { status, body } = await post(await start(), `{"runnerId":"${unknownId}"}`);
    expect(status).toBe(404);
    expect(body).toEqual({ code: "not_found", message: expect.stringContaining(unknownId) });
  });

  test.each(["nope", ""])("answers invalid_argument for the id %j", async (runnerId) => {
    const { status, body } = await post(await start(), JSON.stringify({ runnerId }));
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("runner_id"),
      details: [{ type: "buf.validate.Violations" }],
    });
  });

  test("gives the violations as detail", async () => {
    const client = await clientOf();
    const error = await errorOf(client.getRunner({ runnerId: "nope" }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(ViolationsSchema)).toMatchObject([
      { violations: [{ ruleId: "string.uuid" }] },
    ]);
  });

  test.each(["{", "", "[]", "null", '{"runnerId":1}'])(
    "answers 400 to the body %j",
    async (body) => {
      const answer = await post(await start(), body);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ code: "invalid_argument" });
    },
  );

  test("answers unavailable when the store is unreachable", async () => {
    const client = await clientOf({ get: () => Promise.reject(new StoreUnreachableError("down")) });
    const error = await errorOf(client.getRunner({ runnerId: runner.runnerId }));
    expect(error.code).toBe(Code.Unavailable);
  });

  test("answers data_loss, naming the id, when the stored runner cannot be read", async () => {
    const client = await clientOf({
      get: (id) => Promise.reject(new UnreadableRunnerError(id)),
    });
    const error = await errorOf(client.getRunner({ runnerId: runner.runnerId }));
    expect(error.code).toBe(Code.DataLoss);
    expect(error.rawMessage).toContain(runner.runnerId);
  });

  test("says nothing of the inside when the store fails unforeseen", async () => {
    const client = await clientOf({
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
  test("says which port is taken", async () => {
    const { port } = new URL(await start());
    const second = createRunnerServer({ store: createMemoryRunnerStore(), port: Number(port) });
    await expect(second.start()).rejects.toThrow(
      `port ${port} on 127.0.0.1 is in use; choose another with --port`,
    );
  });
});
