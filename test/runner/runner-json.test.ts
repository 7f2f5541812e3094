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

  describe("accepts only Protobuf JSON:", () => {
    const withTime = (updatedAt: JsonValue) => ({ runner: { status: { updatedAt } } });
    const withDuration = (latency: JsonValue) => ({
      runner: { status: { gatewayInfo: { latency } } },
    });
    const withHour = (startHour: JsonValue) => ({
      runner: { spec: { configuration: { updateWindow: { startHour } } } },
    });
    const withBytes = (publicKey: JsonValue) => ({ runner: { status: { publicKey } } });

    test.each([
      "2026-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-02-30T00:00:00.5+01:00",
      "2026-01-01T24:00:00Z",
      "2026-01-01T23:59:60Z",
      "2026-01-01T00:00:00",
      "2026-01-01 00:00:00Z",
      "2026-01-01",
      "yesterday",
      "",
    ])("rejects the time %j", (time) => {
      expect(() => runnerFromJson(withTime(time), lenient)).toThrow(
        "cannot decode runner.status.updatedAt from JSON: it is not a date and time in RFC 3339",
      );
    });

    test.each([
      ["2024-02-29T23:59:59Z", 1_709_251_199],
      ["2000-02-29T00:00:00+00:30", 951_780_600],
      ["2026-12-31T23:59:59.123456789Z", 1_798_761_599],
      ["0001-01-01T00:00:00Z", -62_135_596_800],
    ])("accepts the time %j", (time, seconds) => {
      const { runner } = runnerFromJson(withTime(time));
      expect(runner?.status?.updatedAt?.seconds).toBe(BigInt(seconds));
    });

    test.each(["1sfoo", "1s\n", " 1s", "1", "1.s", ".5s", "1.1234567891s", "1e3s", "++1s", ""])(
      "rejects the duration %j",
      (duration) => {
        expect(() => runnerFromJson(withDuration(duration), lenient)).toThrow("latency");
      },
    );

    test.each([
      ["0x10"],
      ["0b1"],
      ["0o7"],
      ["+5"],
      ["05"],
      ["5."],
      [".5e1"],
      [""],
      [" 5"],
      [5.5],
      [-1],
    ])("rejects the hour %j", (hour) => {
      expect(() => runnerFromJson(withHour(hour), lenient)).toThrow(/start_?hour/i);
    });

    test.each([
      [5, 5],
      ["5", 5],
      ["5.0", 5],
      ["1e1", 10],
      ["50e-1", 5],
    ])("accepts the hour %j", (hour, expected) => {
      const { runner } = runnerFromJson(withHour(hour));
      expect(runner?.spec?.configuration?.updateWindow?.startHour).toBe(expected);
    });

    test.each(["AAAA AAAA", "AAAA\nAAAA", "A", "A===", "AA=A", "AAAA=", "%%%%"])(
      "rejects the bytes %j",
      (bytes) => {
        expect(() => runnerFromJson(withBytes(bytes), lenient)).toThrow(/public_?key/i);
      },
    );

    test.each(["", "AAAA", "AAE=", "AAE", "AA==", "AA", "-_-_", "+/+/"])(
      "accepts the bytes %j",
      (bytes) => {
        runnerFromJson(withBytes(bytes));
      },
    );
  });

  test("treats null as unset", () => {
    const json = { runner: { spec: null, status: { capabilities: null, gatewayInfo: null } } };
    expect(runnerFromJson(json, lenient).runner?.spec).toBeUndefined();
  });
});
