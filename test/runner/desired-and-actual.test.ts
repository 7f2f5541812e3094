import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { RunnerPhase, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { desiredAndActual } from "../../src/runner/desired-and-actual.ts";

const { ACTIVE, DELETED, UNSPECIFIED } = RunnerPhase;

test.each([
  [ACTIVE, ACTIVE, false],
  [DELETED, ACTIVE, true],
  [UNSPECIFIED, ACTIVE, false],
  [ACTIVE, UNSPECIFIED, false],
])("desired phase %s, actual phase %s: differs is %s", (desired, actual, differs) => {
  const runner = create(RunnerSchema, {
    spec: { desiredPhase: desired },
    status: { phase: actual },
  });
  expect(desiredAndActual(runner).phase).toEqual({ desired, actual, differs });
});

test.each([
  ["eu-west-1", "eu-west-1", false],
  ["eu-west-1", "us-east-1", true],
  ["", "us-east-1", false],
  ["eu-west-1", "", false],
])("desired region %j, actual region %j: differs is %s", (desired, actual, differs) => {
  const runner = create(RunnerSchema, {
    spec: { configuration: { region: desired } },
    status: { region: actual },
  });
  expect(desiredAndActual(runner).region).toEqual({ desired, actual, differs });
});

test("unset values do not differ", () => {
  expect(desiredAndActual(create(RunnerSchema))).toEqual({
    phase: { desired: UNSPECIFIED, actual: UNSPECIFIED, differs: false },
    region: { desired: "", actual: "", differs: false },
  });
});
