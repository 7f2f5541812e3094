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
  ])("knows what the field %s was meant to be", (name, meant) => {
    expect(nearestName(name, fields)).toBe(meant);
  });

  test.each([
    ["RUNNER_CAPABILITY_WARMPOOL", "RUNNER_CAPABILITY_WARM_POOL"],
    ["RUNNER_CAPABILITY_AGENT_EXECUTOIN", "RUNNER_CAPABILITY_AGENT_EXECUTION"],
    ["runner-capability-redis-streams", "RUNNER_CAPABILITY_REDIS_STREAM"],
  ])("knows what the capability %s was meant to be", (name, meant) => {
    expect(nearestName(name, capabilities)).toBe(meant);
  });

  test("takes the nearest of several that are near, and of equally near ones the first", () => {
    expect(nearestName("paase", ["pause", "phase", "paste", "paas"])).toBe("pause");
    expect(nearestName("phase", ["phrase", "phase", "pause"])).toBe("phase");
  });

  test.each(["", "x", "zzzz", "somethingElseEntirely"])("knows nothing near %j", (name) => {
    expect(nearestName(name, fields)).toBeUndefined();
  });

  test("knows nothing when there are no candidates", () => {
    expect(nearestName("phase", [])).toBeUndefined();
  });

  test("is not lost in very long names", () => {
    expect(nearestName("a".repeat(10_000_000), fields)).toBeUndefined();
  });
});
