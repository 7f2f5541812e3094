import { clone, create, fromJson, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  type Runner,
  RunnerCapability,
  RunnerPhase,
  RunnerSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { diffRunners, isHeartbeatOnly } from "../../src/runner/runner-diff.ts";
import { runnerFromJson } from "../../src/runner/runner-json.ts";

function changes(
  before: MessageInitShape<typeof RunnerSchema>,
  after: MessageInitShape<typeof RunnerSchema>,
) {
  return diffRunners(create(RunnerSchema, before), create(RunnerSchema, after));
}

function parseRunner(runner: JsonValue): Runner {
  const response = runnerFromJson({ runner }, { ignoreUnknownFields: true });
  return response.runner as Runner;
}

describe("diffRunners", () => {
  test("returns no changes for equal runners", () => {
    const runner = create(RunnerSchema, {
      name: "one",
      status: { capabilities: [1, 2], publicKey: new Uint8Array(32), gatewayInfo: {} },
    });
    expect(diffRunners(runner, clone(RunnerSchema, runner))).toEqual([]);
  });

  test("returns changes in the order of the contract", () => {
    expect(
      changes(
        { name: "one", status: { version: "1", phase: RunnerPhase.CREATED } },
        { name: "two", status: { version: "2", phase: RunnerPhase.ACTIVE } },
      ),
    ).toEqual([
      { path: "name", from: "one", to: "two", isSecret: false },
      { path: "status.version", from: "1", to: "2", isSecret: false },
      {
        path: "status.phase",
        from: "RUNNER_PHASE_CREATED",
        to: "RUNNER_PHASE_ACTIVE",
        isSecret: false,
      },
    ]);
  });

  test("returns added and removed list items, regardless of order", () => {
    const { FETCH_LOCAL_SCM_INTEGRATIONS, WARM_POOL, ASG_WARM_POOL } = RunnerCapability;
    const before = { capabilities: [FETCH_LOCAL_SCM_INTEGRATIONS, WARM_POOL] };
    const [change, ...others] = changes(
      { status: before },
      { status: { capabilities: [ASG_WARM_POOL, FETCH_LOCAL_SCM_INTEGRATIONS] } },
    );
    expect(change).toMatchObject({
      path: "status.capabilities",
      added: ["RUNNER_CAPABILITY_ASG_WARM_POOL"],
      removed: ["RUNNER_CAPABILITY_WARM_POOL"],
    });
    expect(others).toEqual([]);
    const shuffled = { capabilities: before.capabilities.toReversed() };
    expect(changes({ status: before }, { status: shuffled })).toEqual([]);
  });

  test("compares lists of messages by value", () => {
    const [change] = changes(
      { status: { additionalInfo: [{ key: "a", value: "1" }] } },
      {
        status: {
          additionalInfo: [
            { key: "b", value: "2" },
            { key: "a", value: "1" },
          ],
        },
      },
    );
    expect(change).toMatchObject({ added: [{ key: "b", value: "2" }], removed: [] });
  });

  test("returns the fields of an added or removed message", () => {
    const updateWindow = { startHour: 22 };
    expect(changes({}, { spec: { configuration: { updateWindow } } })).toEqual([
      {
        path: "spec.configuration.updateWindow.startHour",
        from: undefined,
        to: 22,
        isSecret: false,
      },
    ]);
    expect(changes({ status: { phase: RunnerPhase.ACTIVE } }, {})).toEqual([
      {
        path: "status.phase",
        from: "RUNNER_PHASE_ACTIVE",
        to: "RUNNER_PHASE_UNSPECIFIED",
        isSecret: false,
      },
    ]);
  });

  test("returns an empty message that was added or removed", () => {
    expect(changes({ spec: {} }, {})).toMatchObject([{ path: "spec", to: undefined }]);
    expect(changes({}, { status: {} })).toMatchObject([{ path: "status", from: undefined }]);
  });

  test("marks secrets", () => {
    const [password, key] = changes(
      {},
      {
        spec: {
          configuration: {
            metrics: { password: "p" },
            encryptedHoneycombApiKey: new Uint8Array([1]),
          },
        },
      },
    );
    expect(password).toMatchObject({
      path: "spec.configuration.metrics.password",
      isSecret: true,
    });
    expect(key).toMatchObject({
      path: "spec.configuration.encryptedHoneycombApiKey",
      isSecret: true,
    });
  });

  test("compares names of unknown enum values from JSON", () => {
    const before = parseRunner({ status: { capabilities: [], phase: "RUNNER_PHASE_ACTIVE" } });
    const after = parseRunner({
      status: {
        capabilities: ["RUNNER_CAPABILITY_TIME_TRAVEL"],
        phase: "RUNNER_PHASE_DREAMING",
      },
    });
    expect(diffRunners(before, after)).toMatchObject([
      { path: "status.phase", from: "RUNNER_PHASE_ACTIVE", to: "RUNNER_PHASE_DREAMING" },
      { path: "status.capabilities", added: ["RUNNER_CAPABILITY_TIME_TRAVEL"], removed: [] },
    ]);
    expect(diffRunners(after, after)).toEqual([]);
  });

  test("compares numbers of unknown enum values from binary", () => {
    const after = create(RunnerSchema, { status: { capabilities: [99 as RunnerCapability] } });
    expect(diffRunners(create(RunnerSchema, { status: {} }), after)).toMatchObject([
      { path: "status.capabilities", added: [99] },
    ]);
  });
});

describe("isHeartbeatOnly", () => {
  const at = (updatedAt: string, name = "one") =>
    fromJson(RunnerSchema, { name, status: { updatedAt } });

  test.each([
    [at("2026-01-01T00:00:30Z"), true],
    [at("2026-01-01T00:00:30Z", "two"), false],
    [at("2026-01-01T00:00:00Z", "two"), false],
    [at("2026-01-01T00:00:00Z"), false],
  ])("tells a heartbeat from other changes (%#)", (after, expected) => {
    expect(isHeartbeatOnly(diffRunners(at("2026-01-01T00:00:00Z"), after))).toBe(expected);
  });
});
