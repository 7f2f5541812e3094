import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { RunnerCapability, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import {
  capabilityNames,
  hasCapability,
  missingCapabilities,
} from "../../src/runner/capabilities.ts";
import { runnerFromJson } from "../../src/runner/runner-json.ts";
import { futureContract, futureNumber } from "../support/future-contract.ts";

const { UNSPECIFIED, WARM_POOL, REDIS_STREAM } = RunnerCapability;

test("a runner has the capabilities that it reports", () => {
  const runner = create(RunnerSchema, { status: { capabilities: [WARM_POOL, UNSPECIFIED] } });
  expect(hasCapability(runner, WARM_POOL)).toBe(true);
  expect(hasCapability(runner, REDIS_STREAM)).toBe(false);
  expect(missingCapabilities(runner, [REDIS_STREAM, WARM_POOL])).toEqual([REDIS_STREAM]);
  expect(capabilityNames(runner)).toEqual(["warm-pool", "unspecified"]);
});

test("no runner has the unspecified capability", () => {
  const runner = create(RunnerSchema, { status: { capabilities: [UNSPECIFIED] } });
  expect(hasCapability(runner, UNSPECIFIED)).toBe(false);
});

test("a runner without a status has no capabilities", () => {
  const runner = create(RunnerSchema);
  expect(missingCapabilities(runner, [WARM_POOL])).toEqual([WARM_POOL]);
  expect(capabilityNames(runner)).toEqual([]);
});

test("a capability that the contract does not define is named by its number", () => {
  const future = futureContract.message("RunnerStatus");
  const status = create(future, { capabilities: [WARM_POOL, futureNumber] });
  const bytes = toBinary(
    futureContract.message("Runner"),
    create(futureContract.message("Runner"), { status }),
  );
  const runner = fromBinary(RunnerSchema, bytes);
  expect(hasCapability(runner, futureNumber as RunnerCapability)).toBe(true);
  expect(capabilityNames(runner)).toEqual(["warm-pool", String(futureNumber)]);
});

test("an undefined capability that was read from JSON keeps its full name", () => {
  const capabilities = ["RUNNER_CAPABILITY_TELEPORT", "RUNNER_CAPABILITY_WARM_POOL"];
  const { runner = create(RunnerSchema) } = runnerFromJson(
    { runner: { status: { capabilities } } },
    { ignoreUnknownFields: true },
  );
  expect(capabilityNames(runner)).toEqual(["warm-pool", "RUNNER_CAPABILITY_TELEPORT"]);
});
