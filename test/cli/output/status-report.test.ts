import { create, fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { GetRunnerResponseSchema, RunnerSchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { renderRows } from "../../../src/cli/output/rows.ts";
import { statusReport, statusRows } from "../../../src/cli/output/status-report.ts";
import { runnerFromJson } from "../../../src/runner/runner-json.ts";
import { futureNumber, futureResponse } from "../../support/future-contract.ts";
import { sampleRunner } from "../../support/sample-runner.ts";

const at = new Date("2026-11-23T08:00:12Z");
const secondsLater = (seconds: number) => new Date(at.getTime() + seconds * 1000);

describe("statusRows and statusReport", () => {
  test("of a healthy runner", () => {
    const runner = sampleRunner("aws-enterprise-active.json");
    expect(renderRows(statusRows(runner, at), true)).toContain("\x1b[32mhealthy\x1b[39m");
    expect(renderRows(statusRows(runner, at), false)).toMatchInlineSnapshot(`
      "Name:       Platform (Frankfurt)
      ID:         d2c94c27-3b76-4a42-b88c-95a85e392c68
      Health:     healthy
      Phase:      active
      Message:    The runner is up and takes environments.
      Heartbeat:  12 s ago (2026-11-23T08:00:00Z)
      Version:    20261116.1182
      Region:     eu-central-1
      Gateway:    eu-central-1-gateway in eu-central-1, latency 4 ms
      "
    `);
    expect(statusReport(runner, at)).toMatchInlineSnapshot(`
      {
        "gateway": {
          "latencyMs": 4,
          "name": "eu-central-1-gateway",
          "region": "eu-central-1",
          "url": "https://eu-central-1.gateway.example.com",
        },
        "health": {
          "reasons": [],
          "state": "healthy",
        },
        "heartbeat": {
          "ageMs": 12000,
          "at": "2026-11-23T08:00:00Z",
        },
        "message": "The runner is up and takes environments.",
        "name": "Platform (Frankfurt)",
        "phase": "RUNNER_PHASE_ACTIVE",
        "region": "eu-central-1",
        "runnerId": "d2c94c27-3b76-4a42-b88c-95a85e392c68",
        "version": "20261116.1182",
      }
    `);
  });

  test("of a runner with a late heartbeat", () => {
    const runner = sampleRunner("aws-enterprise-active.json");
    const rows = statusRows(runner, secondsLater(80));
    expect(renderRows(rows, true)).toContain(
      "Health:     \x1b[33mdegraded\x1b[39m\n" +
        "Reasons:    The last heartbeat was 92 s ago; one is due every 30 s.\n" +
        "Phase:      \x1b[32mactive\x1b[39m\n",
    );
    expect(statusReport(runner, secondsLater(80))).toMatchObject({
      health: { state: "degraded", reasons: [{ code: "heartbeat-late" }] },
      heartbeat: { at: "2026-11-23T08:00:00Z", ageMs: 92_000 },
    });
  });

  test("of a runner with a heartbeat in the future", () => {
    const runner = sampleRunner("aws-enterprise-active.json");
    const rows = statusRows(runner, secondsLater(-60));
    expect(renderRows(rows, false)).toContain("Heartbeat:  just now (2026-11-23T08:00:00Z)\n");
    expect(statusReport(runner, secondsLater(-60)).heartbeat?.ageMs).toBe(0);
  });

  test("of a runner that has not reported yet", () => {
    const runner = sampleRunner("aws-created.json");
    expect(renderRows(statusRows(runner, at), false)).toMatchInlineSnapshot(`
      "Name:       Mobile (Ireland)
      ID:         c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702
      Health:     unavailable
      Reasons:    The runner was created but has not signed up yet.
      Phase:      created
      Message:    Waiting for the runner to sign up.
      Heartbeat:  none so far
      Version:    not reported
      Region:     not reported
      Gateway:    not connected
      "
    `);
    expect(statusReport(runner, at)).toMatchInlineSnapshot(`
      {
        "gateway": null,
        "health": {
          "reasons": [
            {
              "code": "phase-created",
              "message": "The runner was created but has not signed up yet.",
            },
          ],
          "state": "unavailable",
        },
        "heartbeat": null,
        "message": "Waiting for the runner to sign up.",
        "name": "Mobile (Ireland)",
        "phase": "RUNNER_PHASE_CREATED",
        "region": "",
        "runnerId": "c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702",
        "version": "",
      }
    `);
  });

  test("of an empty runner have the same rows and keys", () => {
    const runner = create(RunnerSchema);
    expect(statusRows(runner, at)).toHaveLength(10);
    expect(Object.keys(statusReport(runner, at))).toEqual(
      Object.keys(statusReport(sampleRunner("managed-active.json"), at)),
    );
  });

  test("contain the numbers of enum values newer than the contract", () => {
    const { runner = create(RunnerSchema) } = fromBinary(
      GetRunnerResponseSchema,
      futureResponse("secret"),
    );
    expect(statusReport(runner, at)).toMatchObject({
      phase: futureNumber,
      health: { state: "unknown", reasons: [{ code: "phase-unknown" }] },
    });
    expect(renderRows(statusRows(runner, at), true)).toContain(`Phase:      ${futureNumber}\n`);
  });

  test("contain the names of newer enum values if the runner came as JSON", () => {
    const { runner = create(RunnerSchema) } = runnerFromJson(
      { runner: { status: { phase: "RUNNER_PHASE_DREAMING" } } },
      { ignoreUnknownFields: true },
    );
    expect(statusReport(runner, at)).toMatchObject({
      phase: "RUNNER_PHASE_DREAMING",
      health: {
        state: "unknown",
        reasons: [
          {
            code: "phase-unknown",
            message:
              "The runner is in phase RUNNER_PHASE_DREAMING, which this version of the contract does not define.",
          },
        ],
      },
    });
    expect(renderRows(statusRows(runner, at), false)).toContain(
      "Phase:      RUNNER_PHASE_DREAMING\n",
    );
  });
});
