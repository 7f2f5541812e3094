import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type Runner, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { conditionNames, parseCondition, parseConditions } from "../../src/cli/condition.ts";
import { sampleRunner } from "../support/sample-runner.ts";

const at = new Date("2026-11-23T08:00:12Z");
const active = sampleRunner("managed-active.json");
const degraded = sampleRunner("gcp-degraded.json");
const late = sampleRunner("aws-stale-heartbeat.json");
const deleted = create(RunnerSchema, { status: { phase: 5 } });

describe("parseCondition", () => {
  test.each<[string, string, (Runner | undefined)[], (Runner | undefined)[]]>([
    ["health=healthy", "health=healthy", [active], [degraded, late, undefined]],
    ["Health=DEGRADED", "health=degraded", [degraded, late], [active, undefined]],
    ["phase=RUNNER_PHASE_ACTIVE", "phase=active", [active, late], [degraded, undefined]],
    ["capability=warmPool", "capability=warm-pool", [active], [deleted, undefined]],
    ["capability=4242", "capability=4242", [], [active, undefined]],
    ["deleted", "deleted", [deleted, undefined], [active]],
    ["health!=unavailable", "health!=unavailable", [active, degraded], [deleted, undefined]],
    ["PHASE!=RUNNER_PHASE_DEGRADED", "phase!=degraded", [active, late], [degraded, undefined]],
    ["capability!=warm-pool", "capability!=warm-pool", [deleted], [active, undefined]],
    ["capability!=4242", "capability!=4242", [active], [undefined]],
  ])("parses %s as %s", (spelling, text, met, unmet) => {
    const condition = parseCondition(spelling);
    expect(condition.text).toBe(text);
    expect(met.map((runner) => condition.holds(runner, at))).toEqual(met.map(() => true));
    expect(unmet.map((runner) => condition.holds(runner, at))).toEqual(unmet.map(() => false));
  });

  test.each([
    ["health=healthy", degraded, "health is degraded: The runner reports that it is degraded."],
    ["health=degraded", active, "health is healthy"],
    ["phase=active", degraded, "phase is degraded"],
    ["capability=warm-pool", deleted, "capabilities: none"],
    ["phase!=degraded", degraded, "phase is degraded"],
    ["deleted", active, "phase is active"],
  ])("%s describes the state of a runner", (text, runner, state) => {
    expect(parseCondition(text).describeState(runner, at)).toBe(state);
  });

  test.each(conditionNames())("parses %s, which completion offers", (text) => {
    expect(parseCondition(text).text).toBe(text);
  });

  test.each([
    ["healthy", "did you mean health=healthy?"],
    ["health=helthy", 'unknown health "helthy"; did you mean healthy?'],
    ["health=", "choose one of healthy, degraded, unavailable, unknown"],
    ["helth=healthy", "did you mean health=healthy?"],
    ["phase=actve", 'unknown RunnerPhase "actve"; did you mean active?'],
    ["capability=warm-pols", "did you mean warm-pool?"],
    ["delete", "did you mean deleted?"],
    ["helth!=healthy", "did you mean health!=healthy?"],
    ["phase!=actve", 'unknown RunnerPhase "actve"; did you mean active?'],
    ["!deleted", "did you mean phase!=deleted?"],
    ["", "choose health=…, phase=…, capability=… or deleted"],
  ])("rejects %j with a suggestion", (text, message) => {
    expect(() => parseCondition(text)).toThrow(message);
    expect(() => parseCondition(text)).toThrow(expect.objectContaining({ name: "UsageError" }));
  });
});

describe("parseConditions", () => {
  const textsOf = (...texts: string[]) => parseConditions(texts).map(({ text }) => text);

  test("returns each condition once, in the order given", () => {
    expect(
      textsOf("phase=active", " health!=degraded ", "capability=warmPool", "PHASE=ACTIVE"),
    ).toEqual(["phase=active", "health!=degraded", "capability=warm-pool"]);
  });

  test.each([
    [["phase=active", "phase!=degraded", "phase!=created"]],
    [["capability=warm-pool", "capability=redis-stream"]],
    [["deleted", "phase=deleted", "phase!=active"]],
    [["health=healthy", "phase=active"]],
  ])("accepts %j", (texts) => {
    expect(textsOf(...texts)).toEqual(texts);
  });

  test.each([
    [["phase=active", "phase=degraded"]],
    [["health=healthy", "capability=warm-pool", "health=degraded"]],
    [["capability=warm-pool", "capability!=warmPool"]],
    [["phase!=active", "phase=active"]],
    [["deleted", "phase=active"]],
    [["phase!=deleted", "deleted"]],
  ])("rejects %j, which can never hold together", (texts) => {
    expect(() => parseConditions(texts)).toThrow(/^\S+ and \S+ can never hold together/);
    expect(() => parseConditions(texts)).toThrow(expect.objectContaining({ name: "UsageError" }));
  });
});
