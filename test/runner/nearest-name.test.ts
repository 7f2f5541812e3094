import { describe, expect, test } from "vitest";
import { RunnerCapabilitySchema, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { nearestName } from "../../src/runner/nearest-name.ts";

const fields = RunnerSchema.fields.map(({ jsonName }) => jsonName);
const capabilities = RunnerCapabilitySchema.values.map(({ name }) => name);

describe("nearestName", () => {
  test.each([
    ["runerId", "runnerId"],
    ["runnerID", "runnerId"],
    ["created_at", "createdAt"],
    ["craetedAt", "createdAt"],
    ["knid", "kind"],
    ["statuss", "status"],
  ])("finds the field nearest to %s", (name, expected) => {
    expect(nearestName(name, fields)).toBe(expected);
  });

  test.each([
    ["RUNNER_CAPABILITY_WARMPOOL", "RUNNER_CAPABILITY_WARM_POOL"],
    ["RUNNER_CAPABILITY_AGENT_EXECUTOIN", "RUNNER_CAPABILITY_AGENT_EXECUTION"],
    ["runner-capability-redis-streams", "RUNNER_CAPABILITY_REDIS_STREAM"],
  ])("finds the capability nearest to %s", (name, expected) => {
    expect(nearestName(name, capabilities)).toBe(expected);
  });

  test("returns the nearest candidate, or the first of equally near ones", () => {
    expect(nearestName("paase", ["pause", "phase", "paste", "paas"])).toBe("pause");
    expect(nearestName("phase", ["phrase", "phase", "pause"])).toBe("phase");
  });

  test.each(["", "x", "zzzz", "somethingElseEntirely"])(
    "returns undefined if nothing is near %j",
    (name) => {
      expect(nearestName(name, fields)).toBeUndefined();
    },
  );

  test("returns undefined without candidates", () => {
    expect(nearestName("phase", [])).toBeUndefined();
  });

  test("returns quickly for very long names", () => {
    expect(nearestName("a".repeat(10_000_000), fields)).toBeUndefined();
  });
});
