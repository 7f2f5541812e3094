import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import {
  GetRunnerResponseSchema,
  type Runner,
  RunnerCapability,
  RunnerPhase,
  RunnerSchema,
  type RunnerStatusSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { statusReport } from "../../../src/cli/output/status-report.ts";
import { createWatchEventDetector } from "../../../src/cli/output/watch-event.ts";
import { renderWatchEvent } from "../../../src/cli/output/watch-line.ts";
import { runnerFromJson } from "../../../src/runner/runner-json.ts";
import { futureResponse } from "../../support/future-contract.ts";

const runnerId = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const start = Date.UTC(2026, 10, 23, 8);
let seconds = 0;
let detectEvents: ReturnType<typeof createWatchEventDetector>;
beforeEach(() => {
  seconds = 0;
  detectEvents = createWatchEventDetector(runnerId);
});
const now = () => new Date(start + seconds * 1000);

/** Returns the events of a call that returned `runner`, `secondsLater` after the previous call. */
function seen(runner: Runner, secondsLater = 5) {
  seconds += secondsLater;
  return detectEvents({ runner }, now());
}

/** Returns the events of a call that failed, 5 seconds after the previous call. */
function failed(code: Code, message: string) {
  seconds += 5;
  return detectEvents({ error: new ConnectError(message, code) }, now());
}

function runnerWith(status: MessageInitShape<typeof RunnerStatusSchema>) {
  const updatedAt = timestampFromDate(new Date(start));
  return create(RunnerSchema, { name: "Build farm", status: { updatedAt, ...status } });
}

const activeStatus = {
  phase: RunnerPhase.ACTIVE,
  version: "1",
  capabilities: [RunnerCapability.WARM_POOL, RunnerCapability.REDIS_STREAM],
};
const active = runnerWith(activeStatus);

const textOf = (events: ReturnType<typeof seen>, colored = false) =>
  events.map((event) => renderWatchEvent(event, { several: false, colored })).join("");

describe("watch events", () => {
  test("start with all fields of the runner", () => {
    const events = seen(active);
    expect(events).toEqual([
      {
        type: "runner",
        at: "2026-11-23T08:00:05Z",
        runnerId,
        changes: [
          { field: "phase", from: null, to: "RUNNER_PHASE_ACTIVE" },
          { field: "health", from: null, to: { state: "healthy", reasons: [] } },
          { field: "message", from: null, to: "" },
          { field: "version", from: null, to: "1" },
          {
            field: "capabilities",
            from: null,
            to: ["RUNNER_CAPABILITY_WARM_POOL", "RUNNER_CAPABILITY_REDIS_STREAM"],
            added: ["RUNNER_CAPABILITY_WARM_POOL", "RUNNER_CAPABILITY_REDIS_STREAM"],
            removed: [],
          },
        ],
        error: null,
        status: statusReport(active, now()),
      },
    ]);
    expect(textOf(events)).toMatchInlineSnapshot(`
      "2026-11-23T08:00:05Z  runner        Build farm
      2026-11-23T08:00:05Z  phase         active
      2026-11-23T08:00:05Z  health        healthy
      2026-11-23T08:00:05Z  message       none
      2026-11-23T08:00:05Z  version       1
      2026-11-23T08:00:05Z  capabilities  warm-pool, redis-stream
      "
    `);
  });

  test("have a line for each field of an empty runner, too", () => {
    expect(textOf(seen(create(RunnerSchema)))).toMatchInlineSnapshot(`
      "2026-11-23T08:00:05Z  runner
      2026-11-23T08:00:05Z  phase         unspecified
      2026-11-23T08:00:05Z  health        unknown: The runner has no status.
      2026-11-23T08:00:05Z  message       none
      2026-11-23T08:00:05Z  version       not reported
      2026-11-23T08:00:05Z  capabilities  none
      "
    `);
  });

  test("report each change", () => {
    seen(active);
    const changed = runnerWith({
      phase: RunnerPhase.DEGRADED,
      version: "2",
      message: "No more\nmachines.\x1b[2J",
      capabilities: [RunnerCapability.AGENT_EXECUTION, RunnerCapability.WARM_POOL],
    });
    const events = seen(changed);
    expect(events).toMatchObject([
      {
        type: "changed",
        changes: [
          { field: "phase", from: "RUNNER_PHASE_ACTIVE", to: "RUNNER_PHASE_DEGRADED" },
          {
            field: "health",
            from: { state: "healthy" },
            to: { state: "degraded", reasons: [{ code: "phase-degraded" }] },
          },
          { field: "message", from: "" },
          { field: "version", from: "1", to: "2" },
          {
            field: "capabilities",
            added: ["RUNNER_CAPABILITY_AGENT_EXECUTION"],
            removed: ["RUNNER_CAPABILITY_REDIS_STREAM"],
          },
        ],
        status: { phase: "RUNNER_PHASE_DEGRADED", health: { state: "degraded" }, version: "2" },
      },
    ]);
    expect(textOf(events)).toMatchInlineSnapshot(`
      "2026-11-23T08:00:10Z  phase         active -> degraded
      2026-11-23T08:00:10Z  health        healthy -> degraded: The runner reports that it is degraded.
      2026-11-23T08:00:10Z  message       No more machines.�[2J
      2026-11-23T08:00:10Z  version       1 -> 2
      2026-11-23T08:00:10Z  capabilities  +agent-execution, -redis-stream
      "
    `);
    expect(textOf(events, true)).toContain("phase         \x1b[33mactive -> degraded\x1b[39m\n");
    expect(textOf(seen(runnerWith({ phase: RunnerPhase.ACTIVE })))).toMatchInlineSnapshot(`
      "2026-11-23T08:00:15Z  phase         degraded -> active
      2026-11-23T08:00:15Z  health        degraded -> healthy
      2026-11-23T08:00:15Z  message       none
      2026-11-23T08:00:15Z  version       2 -> not reported
      2026-11-23T08:00:15Z  capabilities  -agent-execution, -warm-pool
      "
    `);
  });

  test("ignore a renewed heartbeat and the order of capabilities", () => {
    seen(active);
    expect(seen(active)).toEqual([]);
    const renewed = runnerWith({
      ...activeStatus,
      updatedAt: timestampFromDate(now()),
      capabilities: activeStatus.capabilities.toReversed(),
    });
    expect(seen(renewed)).toEqual([]);
  });

  test("report a late heartbeat once, without a new report, and its recovery", () => {
    seen(active);
    expect(seen(active, 85)).toEqual([]);
    expect(textOf(seen(active, 1))).toMatchInlineSnapshot(`
      "2026-11-23T08:01:31Z  health        healthy -> degraded: The last heartbeat was 91 s ago; one is due every 30 s.
      "
    `);
    expect(seen(active, 500)).toEqual([]);
    const renewed = runnerWith({ ...activeStatus, updatedAt: timestampFromDate(now()) });
    expect(textOf(seen(renewed))).toMatchInlineSnapshot(`
      "2026-11-23T08:09:56Z  health        degraded -> healthy
      "
    `);
  });

  test("report an additional reason for the same health state", () => {
    const degraded = runnerWith({ phase: RunnerPhase.DEGRADED });
    seen(degraded);
    expect(textOf(seen(degraded, 90))).toMatchInlineSnapshot(`
      "2026-11-23T08:01:35Z  health        degraded: The runner reports that it is degraded. The last heartbeat was 95 s ago; one is due every 30 s.
      "
    `);
  });

  test("report an error once per code, and the recovery once", () => {
    const events = [
      ...failed(Code.Unavailable, "no response"),
      ...seen(active),
      ...failed(Code.Unavailable, "no response"),
      ...failed(Code.Unavailable, "still no response"),
      ...failed(Code.DeadlineExceeded, "too slow"),
      ...failed(Code.Unavailable, "no response"),
      ...seen(active),
      ...seen(active),
      ...failed(Code.Unavailable, "no response again"),
    ];
    expect(textOf(events)).toMatchInlineSnapshot(`
      "2026-11-23T08:00:05Z  error         [unavailable] no response
      2026-11-23T08:00:10Z  recovered     the server responds again
      2026-11-23T08:00:10Z  runner        Build farm
      2026-11-23T08:00:10Z  phase         active
      2026-11-23T08:00:10Z  health        healthy
      2026-11-23T08:00:10Z  message       none
      2026-11-23T08:00:10Z  version       1
      2026-11-23T08:00:10Z  capabilities  warm-pool, redis-stream
      2026-11-23T08:00:15Z  error         [unavailable] no response
      2026-11-23T08:00:25Z  error         [deadline_exceeded] too slow
      2026-11-23T08:00:35Z  recovered     the server responds again
      2026-11-23T08:00:45Z  error         [unavailable] no response again
      "
    `);
    expect(events[0]).toEqual({
      type: "error",
      at: "2026-11-23T08:00:05Z",
      runnerId,
      changes: [],
      error: { code: "unavailable", message: "no response", requestId: null },
      status: null,
    });
    expect(events.at(-1)?.status).toMatchObject({ name: "Build farm" });
    for (const event of events) {
      expect(Object.keys(event)).toEqual(["type", "at", "runnerId", "changes", "error", "status"]);
    }
  });

  test("contain the request ID of an error", () => {
    const error = new ConnectError("oops", Code.Internal, { "X-Request-Id": "req-7" });
    const events = detectEvents({ error }, now());
    expect(events[0]?.error).toEqual({ code: "internal", message: "oops", requestId: "req-7" });
    expect(textOf(events)).toBe(
      "2026-11-23T08:00:00Z  error         [internal] oops (request id req-7)\n",
    );
  });

  test("contain the ID of their runner as text, if there are several", () => {
    const lines = seen(active).map((event) =>
      renderWatchEvent(event, { several: true, colored: false }),
    );
    expect(lines.join("").split("\n")[1]).toBe(
      `2026-11-23T08:00:05Z  ${runnerId}  phase         active`,
    );
  });

  test("do not report a late heartbeat while calls fail", () => {
    seen(active);
    failed(Code.Unavailable, "no response");
    seconds += 600;
    expect(failed(Code.Unavailable, "no response")).toEqual([]);
  });

  test("end with the deletion of the runner", () => {
    seen(active);
    const events = failed(Code.NotFound, "no runner with that id");
    expect(events).toMatchObject([{ type: "deleted", status: { name: "Build farm" } }]);
    expect(textOf(events)).toMatchInlineSnapshot(`
      "2026-11-23T08:00:10Z  deleted       the runner no longer exists
      "
    `);
  });

  test("contain the names or numbers of enum values newer than the contract", () => {
    const { runner: named = active } = runnerFromJson(
      {
        runner: {
          status: {
            phase: "RUNNER_PHASE_DREAMING",
            capabilities: ["RUNNER_CAPABILITY_WARM_POOL", "RUNNER_CAPABILITY_FLYING"],
          },
        },
      },
      { ignoreUnknownFields: true },
    );
    expect(textOf(seen(named))).toMatchInlineSnapshot(`
      "2026-11-23T08:00:05Z  runner
      2026-11-23T08:00:05Z  phase         RUNNER_PHASE_DREAMING
      2026-11-23T08:00:05Z  health        unknown: The runner is in phase RUNNER_PHASE_DREAMING, which this version of the contract does not define.
      2026-11-23T08:00:05Z  message       none
      2026-11-23T08:00:05Z  version       not reported
      2026-11-23T08:00:05Z  capabilities  warm-pool, RUNNER_CAPABILITY_FLYING
      "
    `);
    const { runner: numbered = active } = fromBinary(
      GetRunnerResponseSchema,
      futureResponse("secret"),
    );
    expect(textOf(seen(numbered))).toMatchInlineSnapshot(`
      "2026-11-23T08:00:10Z  phase         RUNNER_PHASE_DREAMING -> 4242
      2026-11-23T08:00:10Z  capabilities  +4242, -warm-pool, -RUNNER_CAPABILITY_FLYING
      "
    `);
  });
});
