import { create, fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  GetRunnerResponseSchema,
  RunnerConfigurationSchema,
  RunnerSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { describeMessage } from "../../../src/cli/output/describe-message.ts";
import { renderRows } from "../../../src/cli/output/rows.ts";
import { runnerFromJson } from "../../../src/runner/runner-json.ts";
import documented from "../../documented-response.json" with { type: "json" };
import { futureNumber, futureResponse } from "../../support/future-contract.ts";
import { sampleRunner } from "../../support/sample-runner.ts";

const at = new Date("2026-11-23T08:00:12Z");

describe("describeMessage", () => {
  test("describes all fields of a runner except its secrets", () => {
    const rows = describeMessage(RunnerSchema, sampleRunner("aws-enterprise-active.json"), at);
    expect(renderRows(rows, false)).toMatchInlineSnapshot(`
      "Runner ID:   d2c94c27-3b76-4a42-b88c-95a85e392c68
      Created at:  284 d ago (2026-02-11T09:14:27.482Z)
      Updated at:  4 d ago (2026-11-18T16:40:02.915Z)
      Name:        Platform (Frankfurt)
      Creator:     user 0192f1a4-6c3e-7b1d-9a52-4f0e8d7c6b5a
      Kind:        remote
      Provider:    aws-ec2
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
      Status:
        Updated at:          12 s ago (2026-11-23T08:00:00Z)
        Version:             20261116.1182
        System details:      linux/amd64, 6.1.155-176.282.amzn2023, m7i.large
        Phase:               active
        Log URL:             https://eu-central-1.console.aws.example.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/runner-d2c94c27
        Message:             The runner is up and takes environments.
        Region:              eu-central-1
        Capabilities:        fetch-local-scm-integrations, secret-container-registry,
                             agent-execution, allow-env-token-population,
                             default-dev-container-image, environment-snapshot,
                             prebuilds-before-snapshot-trigger,
                             list-scm-organizations, check-repository-access,
                             runner-side-agent, warm-pool, asg-warm-pool,
                             port-authentication
        LLM URL:             https://llm.example.com/v1
        Public key:          fRUHKEpXV8rGticIpO8Av8XWlSVkictwTxK0ueYlXfI=
        Support bundle URL:  https://runner-d2c94c27.example.com/support-bundle
        Additional info:
          CloudFormation stack:  https://eu-central-1.console.aws.example.com/cloudformation/home?region=eu-central-1#/stacks/runner-d2c94c27
          VPC:                   vpc-0a1b2c3d4e5f67890
          Availability zones:    eu-central-1a, eu-central-1b
        Gateway info:
          Latency:  4 ms
          Gateway:
            Name:    eu-central-1-gateway
            URL:     https://eu-central-1.gateway.example.com
            Region:  eu-central-1
      "
    `);
  });

  test("omits the fields that a runner has not reported yet", () => {
    const rows = describeMessage(RunnerSchema, sampleRunner("aws-created.json"), at);
    expect(renderRows(rows, false)).toMatchInlineSnapshot(`
      "Runner ID:   c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702
      Created at:  4 min ago (2026-11-23T07:55:12.640Z)
      Updated at:  4 min ago (2026-11-23T07:55:12.640Z)
      Name:        Mobile (Ireland)
      Creator:     user 0192f1a4-6c3e-7b1d-9a52-4f0e8d7c6b5a
      Kind:        remote
      Provider:    aws-ec2
      Spec:
        Desired phase:  active
        Variant:        enterprise
        Configuration:
          Region:                            eu-west-1
          Release channel:                   stable
          Auto update:                       yes
          Log level:                         info
          Devcontainer image cache enabled:  yes
          Update window:                     at any time
          Continuous profiling:              no
          Metrics:
            Enabled:                  no
            Managed metrics enabled:  no
            Include verbose metrics:  no
      Status:
        Phase:    created
        Message:  Waiting for the runner to sign up.
      "
    `);
  });

  test("describes the example from the API documentation", () => {
    const { runner } = runnerFromJson(documented);
    const text = renderRows(
      describeMessage(RunnerSchema, runner ?? create(RunnerSchema), at),
      false,
    );
    expect(text).toContain("Latency:  105 d");
    expect(text).toContain("the whole day");
  });

  test.each([
    [undefined, "at any time"],
    [{ startHour: 5, endHour: 5 }, "the whole day"],
    [{ startHour: 6 }, "06:00 to 08:00 UTC closed, opens in 21 h (2026-11-24T06:00:00Z)"],
    [{ startHour: 8 }, "08:00 to 10:00 UTC open, closes in 119 min (2026-11-23T10:00:00Z)"],
    [
      { startHour: 22, endHour: 9 },
      "22:00 to 09:00 UTC open, closes in 59 min (2026-11-23T09:00:00Z)",
    ],
  ])("describes the update window %o", (init, text) => {
    const configuration = create(RunnerConfigurationSchema, init && { updateWindow: init });
    const row = describeMessage(RunnerConfigurationSchema, configuration, at).find(
      ({ label }) => label === "Update window",
    );
    expect([row && "text" in row && row.text].flat().join(" ")).toBe(text);
  });

  test("keeps names in JSON that are newer than the contract", () => {
    const response = runnerFromJson(
      {
        runner: {
          kind: "RUNNER_KIND_MOON",
          status: { capabilities: ["RUNNER_CAPABILITY_TELEPORT", "RUNNER_CAPABILITY_WARM_POOL"] },
        },
      },
      { ignoreUnknownFields: true },
    );
    const text = JSON.stringify(describeMessage(GetRunnerResponseSchema, response, at));
    expect(text).toContain(`{"label":"Kind","text":"RUNNER_KIND_MOON"}`);
    expect(text).toContain(
      `{"label":"Capabilities","text":"warm-pool, RUNNER_CAPABILITY_TELEPORT"}`,
    );
  });

  test("never shows a secret, and handles messages newer than the contract", () => {
    const secret = fc.string({ unit: "grapheme-ascii", minLength: 8 }).map((text) => `k9${text}`);
    fc.assert(
      fc.property(secret, (secret) => {
        const response = fromBinary(GetRunnerResponseSchema, futureResponse(secret));
        const rows = describeMessage(GetRunnerResponseSchema, response, at);
        const text = JSON.stringify(rows);
        expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
        expect(text).not.toContain(Buffer.from(secret).toString("base64").replace(/=+$/, ""));
        expect(text).toContain(`{"label":"Password","text":"(hidden)"}`);
        expect(text).toContain(`{"label":"Capabilities","text":"${futureNumber}"}`);
      }),
    );
  });
});
