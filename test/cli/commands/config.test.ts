import { create, fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  GetRunnerResponseSchema,
  RunnerPhase,
  RunnerSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { configReport, configRows } from "../../../src/cli/commands/config.ts";
import { renderRows } from "../../../src/cli/output/rows.ts";
import { futureNumber, futureResponse } from "../../support/future-contract.ts";
import { sampleRunner } from "../../support/sample-runner.ts";

const at = new Date("2026-11-23T08:00:12Z");

describe("configRows and configReport", () => {
  test("of a runner in the desired state", () => {
    const runner = sampleRunner("aws-enterprise-active.json");
    expect(renderRows(configRows(runner, at), false)).toMatchInlineSnapshot(`
      "Name:    Platform (Frankfurt)
      ID:      d2c94c27-3b76-4a42-b88c-95a85e392c68
      Phase:   active (as desired)
      Region:  eu-central-1 (as desired)
      Spec:
        Desired phase:  active
        Variant:        enterprise
        Configuration:
          Region:                            eu-central-1
          Release channel:                   stable
          Auto update:                       yes
          Log level:                         info
          Devcontainer image cache enabled:  yes
          Update window:                     22:00 to 04:00 UTC
                                             closed, opens in 13 h
                                             (2026-11-23T22:00:00Z)
          Encrypted honeycomb API key:       (hidden)
          Continuous profiling:              yes
          Metrics:
            Enabled:                  yes
            URL:                      https://prometheus.example.com/api/v1/write
            Username:                 runner-frankfurt
            Password:                 (hidden)
            Managed metrics enabled:  no
            Include verbose metrics:  yes
      "
    `);
    expect(configReport(runner, at)).toMatchInlineSnapshot(`
      {
        "name": "Platform (Frankfurt)",
        "phase": {
          "actual": "RUNNER_PHASE_ACTIVE",
          "desired": "RUNNER_PHASE_ACTIVE",
          "differs": false,
        },
        "region": {
          "actual": "eu-central-1",
          "desired": "eu-central-1",
          "differs": false,
        },
        "runnerId": "d2c94c27-3b76-4a42-b88c-95a85e392c68",
        "spec": {
          "configuration": {
            "autoUpdate": true,
            "continuousProfiling": true,
            "devcontainerImageCacheEnabled": true,
            "encryptedHoneycombApiKey": "[redacted]",
            "logLevel": "LOG_LEVEL_INFO",
            "metrics": {
              "enabled": true,
              "includeVerboseMetrics": true,
              "managedMetricsEnabled": false,
              "password": "[redacted]",
              "url": "https://prometheus.example.com/api/v1/write",
              "username": "runner-frankfurt",
            },
            "region": "eu-central-1",
            "releaseChannel": "RUNNER_RELEASE_CHANNEL_STABLE",
            "updateWindow": {
              "endHour": 4,
              "startHour": 22,
            },
          },
          "desiredPhase": "RUNNER_PHASE_ACTIVE",
          "variant": "RUNNER_VARIANT_ENTERPRISE",
        },
        "updateWindow": {
          "closesAt": "2026-11-24T04:00:00Z",
          "endHour": 4,
          "open": false,
          "opensAt": "2026-11-23T22:00:00Z",
          "startHour": 22,
        },
      }
    `);
  });

  test("of a runner that differs from the desired state, with differences in color", () => {
    const runner = create(RunnerSchema, {
      spec: { desiredPhase: RunnerPhase.DELETED, configuration: { region: "eu-west-1" } },
      status: { phase: RunnerPhase.ACTIVE },
    });
    expect(renderRows(configRows(runner, at), true)).toContain(
      "Phase:   \x1b[33mactive (desired: deleted)\x1b[39m\n" +
        "Region:  not reported (desired: eu-west-1)\n",
    );
    expect(configReport(runner, at)).toMatchObject({
      phase: {
        desired: "RUNNER_PHASE_DELETED",
        actual: "RUNNER_PHASE_ACTIVE",
        differs: true,
      },
      region: { desired: "eu-west-1", actual: "", differs: false },
    });
  });

  test("of an empty runner have the same keys", () => {
    const runner = create(RunnerSchema);
    expect(renderRows(configRows(runner, at), false)).toBe(
      "Name:\nID:\nPhase:   not reported\nRegion:  not reported\n",
    );
    expect(configReport(runner, at)).toEqual({
      runnerId: "",
      name: "",
      phase: {
        desired: "RUNNER_PHASE_UNSPECIFIED",
        actual: "RUNNER_PHASE_UNSPECIFIED",
        differs: false,
      },
      region: { desired: "", actual: "", differs: false },
      updateWindow: { startHour: null, endHour: null, open: true, opensAt: null, closesAt: null },
      spec: null,
    });
  });

  test("of a runner newer than the contract show numbers, and no secrets", () => {
    const { runner = create(RunnerSchema) } = fromBinary(
      GetRunnerResponseSchema,
      futureResponse("secret-of-ours"),
    );
    const report = configReport(runner, at);
    expect(report).toMatchObject({ spec: { variant: futureNumber } });
    for (const text of [JSON.stringify(report), renderRows(configRows(runner, at), false)]) {
      expect(text).not.toMatch(/secret-of-ours|c2VjcmV0LW9mLW91cn/);
    }
  });
});
