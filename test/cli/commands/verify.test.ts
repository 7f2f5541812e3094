import { describe, expect, test } from "vitest";
import { RunnerCapability } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { verifyReport, verifyRows } from "../../../src/cli/commands/verify.ts";
import { renderRows } from "../../../src/cli/output/rows.ts";
import { sampleRunner } from "../../support/sample-runner.ts";

const { WARM_POOL, REDIS_STREAM, ASG_WARM_POOL } = RunnerCapability;
const newer = 4242 as RunnerCapability;

describe("verifyReport and verifyRows", () => {
  const runner = sampleRunner("managed-active.json");

  test("of a runner that has all capabilities", () => {
    expect(verifyReport(runner, [WARM_POOL, REDIS_STREAM])).toEqual({
      runnerId: "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97",
      name: "Ona Cloud (US)",
      verified: true,
      present: ["RUNNER_CAPABILITY_WARM_POOL", "RUNNER_CAPABILITY_REDIS_STREAM"],
      missing: [],
    });
  });

  test("of a runner that has some capabilities", () => {
    expect(verifyReport(runner, [ASG_WARM_POOL, WARM_POOL, newer])).toMatchObject({
      verified: false,
      present: ["RUNNER_CAPABILITY_WARM_POOL"],
      missing: ["RUNNER_CAPABILITY_ASG_WARM_POOL", 4242],
    });
    expect(renderRows(verifyRows(runner, [ASG_WARM_POOL, WARM_POOL, newer]), true)).toBe(
      "asg-warm-pool:  \x1b[31mmissing\x1b[39m\n" +
        "warm-pool:      \x1b[32mpresent\x1b[39m\n" +
        "4242:           \x1b[31mmissing\x1b[39m\n",
    );
  });
});
