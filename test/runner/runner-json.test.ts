import { create, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  GetRunnerResponseSchema,
  RunnerCapability,
  RunnerPhase,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson, unknownJson } from "../../src/runner/runner-json.ts";

const lenient = { ignoreUnknownFields: true };

const newerJson = {
  runner: {
    name: "one",
    colour: "red",
    status: {
      phase: "RUNNER_PHASE_DREAMING",
      capabilities: ["RUNNER_CAPABILITY_WARM_POOL", "RUNNER_CAPABILITY_TIME_TRAVEL", 99],
      additionalInfo: [
        { key: "a", value: "b" },
        { key: "c", value: "d", unit: "e" },
      ],
    },
  },
  hint: 1,
} satisfies JsonValue;

describe("unknownJson", () => {
  const response = runnerFromJson(newerJson, lenient);

  test("returns what the message cannot hold", () => {
    expect(unknownJson(response)).toEqual({
      json: newerJson,
      enumNames: [
        { path: "runner.status.phase", name: "RUNNER_PHASE_DREAMING" },
        { path: "runner.status.capabilities", name: "RUNNER_CAPABILITY_TIME_TRAVEL" },
      ],
      fields: ["runner.colour", "runner.status.additionalInfo[1].unit", "hint"],
    });
  });

  test("returns it for each nested message, with relative paths", () => {
    const { runner } = response;
    const { status } = newerJson.runner;
    expect(runner && unknownJson(runner)).toMatchObject({
      json: newerJson.runner,
      fields: ["colour", "status.additionalInfo[1].unit"],
    });
    expect(runner?.status && unknownJson(runner.status)).toEqual({
      json: status,
      enumNames: [
        { path: "phase", name: "RUNNER_PHASE_DREAMING" },
        { path: "capabilities", name: "RUNNER_CAPABILITY_TIME_TRAVEL" },
      ],
      fields: ["additionalInfo[1].unit"],
    });
    const [first, second] = runner?.status?.additionalInfo ?? [];
    expect(first && unknownJson(first)).toBeUndefined();
    expect(second && unknownJson(second)).toEqual({
      json: status.additionalInfo[1],
      enumNames: [],
      fields: ["unit"],
    });
  });

  test("leaves the known values in the message", () => {
    expect(response.runner?.status).toMatchObject({
      phase: RunnerPhase.UNSPECIFIED,
      capabilities: [RunnerCapability.WARM_POOL, 99],
    });
  });

  test("returns undefined if the contract defines everything", () => {
    const json = toJson(
      GetRunnerResponseSchema,
      create(GetRunnerResponseSchema, {
        runner: {
          status: { phase: RunnerPhase.ACTIVE, capabilities: [1, 2, 99 as RunnerCapability] },
        },
      }),
    );
    expect(unknownJson(runnerFromJson(json, lenient))).toBeUndefined();
  });

  test("accepts field names of the contract", () => {
    const json: JsonObject = { runner: { runner_id: "a", created_at: "2026-01-02T03:04:05Z" } };
    expect(unknownJson(runnerFromJson(json, lenient))).toBeUndefined();
  });
});

describe("runnerFromJson", () => {
  test("is strict by default", () => {
    expect(() => runnerFromJson(newerJson)).toThrow(/unknown|RUNNER_PHASE_DREAMING/);
  });

  test.each([{ runner: { status: { capabilities: "one" } } }, { runner: [] }, [], "text", null])(
    "rejects %j",
    (json) => {
      expect(() => runnerFromJson(json, lenient)).toThrow("cannot decode");
    },
  );

  test("treats null as unset", () => {
    const json = { runner: { spec: null, status: { capabilities: null, gatewayInfo: null } } };
    expect(runnerFromJson(json, lenient).runner?.spec).toBeUndefined();
  });
});
