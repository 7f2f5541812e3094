import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  file_gitpod_v1_runner_service as file,
  RunnerCapability,
  RunnerCapabilitySchema,
  RunnerPhase,
  RunnerPhaseSchema,
  RunnerProvider,
  RunnerProviderSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortName, enumShortNames, enumValueFromName } from "../../src/runner/enum-name.ts";

describe("enumValueFromName", () => {
  test.each([
    "warm-pool",
    "warm_pool",
    "warmPool",
    "WarmPool",
    "WARM_POOL",
    "warm pool",
    "RUNNER_CAPABILITY_WARM_POOL",
    "runner-capability-warm-pool",
    "runnerCapabilityWarmPool",
    "11",
  ])("accepts %s", (name) => {
    expect(enumValueFromName(RunnerCapabilitySchema, name)).toBe(RunnerCapability.WARM_POOL);
  });

  test("accepts digits in names", () => {
    expect(enumValueFromName(RunnerProviderSchema, "aws-ec2")).toBe(RunnerProvider.AWS_EC2);
  });

  test.each(file.enums.map((desc) => [desc.name, desc] as const))(
    "parses every short and full name of %s",
    (_, desc) => {
      for (const { number, name } of desc.values.slice(1)) {
        expect(enumValueFromName(desc, enumShortName(desc, number))).toBe(number);
        expect(enumValueFromName(desc, name)).toBe(number);
      }
    },
  );

  test("parses numbers that the contract does not define", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), (number) => {
        const name = enumShortName(RunnerCapabilitySchema, number);
        expect(enumValueFromName(RunnerCapabilitySchema, name)).toBe(number);
      }),
    );
  });

  test.each(["warm-pol", "WARMPOOOL", "RUNNER_CAPABILITY_WRAM_POOL"])(
    "suggests the nearest name for %s",
    (name) => {
      expect(() => enumValueFromName(RunnerCapabilitySchema, name)).toThrow(
        new RangeError(`unknown RunnerCapability "${name}"; did you mean warm-pool?`),
      );
    },
  );

  test.each(["", "0", "-1", "1e3", "xyzzy", "unspecified", "RUNNER_PHASE_UNSPECIFIED", '"\n'])(
    "lists all names if none is near %j",
    (name) => {
      expect(() => enumValueFromName(RunnerPhaseSchema, name)).toThrow(
        new RangeError(
          `unknown RunnerPhase ${JSON.stringify(name)}; choose one of created, inactive, active, deleting, deleted, degraded`,
        ),
      );
    },
  );
});

describe("enumShortName", () => {
  test("returns the number of a value without a name", () => {
    expect(enumShortName(RunnerCapabilitySchema, 999)).toBe("999");
  });

  test("returns a name for the unspecified value, which enumShortNames omits", () => {
    expect(enumShortName(RunnerPhaseSchema, RunnerPhase.UNSPECIFIED)).toBe("unspecified");
    expect(enumShortNames(RunnerPhaseSchema)).not.toContain("unspecified");
  });
});
