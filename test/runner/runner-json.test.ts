import { create, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  GetRunnerResponseSchema,
  RunnerCapability,
  RunnerPhase,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson, unknownJson } from "../../src/runner/runner-json.ts";

const ignoring = { ignoreUnknownFields: true };

const fromTheFuture = {
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
  const response = runnerFromJson(fromTheFuture, ignoring);

  test("tells what the message could not take", () => {
    expect(unknownJson(response)).toEqual({
      json: fromTheFuture,
      enumNames: [
        { path: "runner.status.phase", name: "RUNNER_PHASE_DREAMING" },
        { path: "runner.status.capabilities", name: "RUNNER_CAPABILITY_TIME_TRAVEL" },
      ],
      fields: ["runner.colour", "runner.status.additionalInfo[1].unit", "hint"],
    });
  });

  test("tells it of each message inside, from there on", () => {
    const { runner } = response;
    const { status } = fromTheFuture.runner;
    expect(runner && unknownJson(runner)).toMatchObject({
      json: fromTheFuture.runner,
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

  test("goes with what the message did take", () => {
    expect(response.runner?.status).toMatchObject({
      phase: RunnerPhase.UNSPECIFIED,
      capabilities: [RunnerCapability.WARM_POOL, 99],
    });
  });

  test("tells nothing of what the contract knows", () => {
    const json = toJson(
      GetRunnerResponseSchema,
      create(GetRunnerResponseSchema, {
        runner: {
          status: { phase: RunnerPhase.ACTIVE, capabilities: [1, 2, 99 as RunnerCapability] },
        },
      }),
    );
    expect(unknownJson(runnerFromJson(json, ignoring))).toBeUndefined();
  });

  test("knows a field by its name in the contract, too", () => {
    const json: JsonObject = { runner: { runner_id: "a", created_at: "2026-01-02T03:04:05Z" } };
    expect(unknownJson(runnerFromJson(json, ignoring))).toBeUndefined();
  });
});

describe("runnerFromJson", () => {
  test("is strict unless told otherwise", () => {
    expect(() => runnerFromJson(fromTheFuture)).toThrow(/unknown|RUNNER_PHASE_DREAMING/);
  });

  test.each([{ runner: { status: { capabilities: "one" } } }, { runner: [] }, [], "text", null])(
    "refuses %j",
    (json) => {
      expect(() => runnerFromJson(json, ignoring)).toThrow("cannot decode");
    },
  );

  test("takes null for absent", () => {
    const json = { runner: { spec: null, status: { capabilities: null, gatewayInfo: null } } };
    expect(runnerFromJson(json, ignoring).runner?.spec).toBeUndefined();
  });
});
