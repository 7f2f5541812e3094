import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  RunnerPhase,
  RunnerPhaseSchema,
  RunnerSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { heartbeatAgeMs } from "../../src/runner/heartbeat.ts";
import { runnerHealth } from "../../src/runner/runner-health.ts";

const at = new Date("2026-11-23T08:00:00Z");

interface RunnerState {
  phase: RunnerPhase;
  /** The age of the last heartbeat at `at`, in milliseconds. */
  age?: number | undefined;
  desired?: RunnerPhase | undefined;
}

function createRunner({ phase, age, desired }: RunnerState) {
  return create(RunnerSchema, {
    spec: { desiredPhase: desired ?? RunnerPhase.UNSPECIFIED },
    status: {
      phase,
      ...(age !== undefined && { updatedAt: timestampFromMs(at.getTime() - age) }),
    },
  });
}

function evaluate(runnerState: RunnerState) {
  const { state, reasons } = runnerHealth(createRunner(runnerState), { at });
  return [state, ...reasons.map(({ code }) => code)];
}

const { ACTIVE, CREATED, INACTIVE, DELETING, DELETED, DEGRADED, UNSPECIFIED } = RunnerPhase;

describe("runnerHealth", () => {
  test("is unknown for a runner without a status", () => {
    expect(runnerHealth(create(RunnerSchema))).toEqual({
      state: "unknown",
      reasons: [{ code: "no-status", message: "The runner has no status." }],
    });
  });

  test.each([
    [{ phase: UNSPECIFIED, age: 0 }, ["unknown", "phase-unspecified"]],
    [{ phase: 4242 as RunnerPhase, age: 0 }, ["unknown", "phase-unknown"]],
    [{ phase: CREATED }, ["unavailable", "phase-created"]],
    [{ phase: INACTIVE }, ["unavailable", "phase-inactive"]],
    [{ phase: DELETING, age: 0, desired: DELETED }, ["unavailable", "phase-deleting"]],
    [{ phase: DELETED, age: 1e9, desired: DELETED }, ["unavailable", "phase-deleted"]],
    [{ phase: DEGRADED, age: 0, desired: ACTIVE }, ["degraded", "phase-degraded"]],
    [{ phase: DEGRADED, age: 90_001 }, ["degraded", "phase-degraded", "heartbeat-late"]],
    [{ phase: DEGRADED }, ["degraded", "phase-degraded", "heartbeat-missing"]],
    [{ phase: ACTIVE, age: 0, desired: ACTIVE }, ["healthy"]],
    [{ phase: ACTIVE, age: 90_000 }, ["healthy"]],
    [{ phase: ACTIVE, age: -60_000 }, ["healthy"]],
    [{ phase: ACTIVE, age: 90_001 }, ["degraded", "heartbeat-late"]],
    [{ phase: ACTIVE }, ["degraded", "heartbeat-missing"]],
    [{ phase: ACTIVE, age: 0, desired: DELETED }, ["degraded", "not-desired-phase"]],
    [
      { phase: ACTIVE, age: 1e9, desired: INACTIVE },
      ["degraded", "heartbeat-late", "not-desired-phase"],
    ],
  ] satisfies [RunnerState, string[]][])("evaluates %o", (runnerState, expected) => {
    expect(evaluate(runnerState)).toEqual(expected);
  });

  test("describes the reasons for people", () => {
    const runnerState = { phase: ACTIVE, age: 3 * 3_600_000, desired: 4242 as RunnerPhase };
    expect(
      runnerHealth(createRunner(runnerState), { at }).reasons.map(({ message }) => message),
    ).toEqual([
      "The last heartbeat was 3 h ago; one is due every 30 s.",
      "The runner is active; the desired phase is 4242.",
    ]);
  });

  test("uses the given heartbeat limit and the current time by default", () => {
    const late = createRunner({ phase: ACTIVE, age: 10_001 });
    expect(runnerHealth(late, { at, heartbeatLimitMs: 10_000 }).state).toBe("degraded");
    late.status = { ...late.status, updatedAt: timestampFromMs(Date.now()) } as typeof late.status;
    expect(runnerHealth(late).state).toBe("healthy");
  });

  test("matches the documented table for all phases, ages and desired phases", () => {
    const phase = fc.oneof(
      fc.constantFrom(...RunnerPhaseSchema.values.map(({ number }) => number as RunnerPhase)),
      fc.integer({ min: 7, max: 2 ** 31 - 1 }).map((number) => number as RunnerPhase),
    );
    const age = fc.option(
      fc.oneof(
        fc.integer({ min: -1000, max: 200_000 }),
        fc.integer({ min: -(10 ** 12), max: 10 ** 12 }),
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(phase, age, phase, (phase, age, desired) => {
        const health = runnerHealth(createRunner({ phase, age, desired }), { at });
        expect(health.state).toBe(expectedState({ phase, age, desired }));
        expect(health.reasons.length > 0).toBe(health.state !== "healthy");
        for (const { message } of health.reasons) {
          expect(message).toMatch(/^The .+\.$/);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function expectedState({ phase, age, desired }: RunnerState) {
  if ([CREATED, INACTIVE, DELETING, DELETED].some((unavailable) => unavailable === phase)) {
    return "unavailable";
  }
  if (phase === DEGRADED) {
    return "degraded";
  }
  if (phase !== ACTIVE) {
    return "unknown";
  }
  const isDesired = desired === ACTIVE || desired === UNSPECIFIED;
  return age !== undefined && age <= 90_000 && isDesired ? "healthy" : "degraded";
}

describe("heartbeatAgeMs", () => {
  test.each([
    [12_345, 12_345],
    [0, 0],
    [-1, 0],
    [undefined, undefined],
  ])("for a report %s ms ago is %s", (age, expected) => {
    expect(heartbeatAgeMs(createRunner({ phase: ACTIVE, age }), at)).toBe(expected);
  });

  test("returns undefined without a status", () => {
    expect(heartbeatAgeMs(create(RunnerSchema))).toBeUndefined();
  });
});
