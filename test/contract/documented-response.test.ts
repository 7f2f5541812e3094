import { readFileSync } from "node:fs";
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, test } from "vitest";
import { GetRunnerResponseSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson } from "../../src/runner/runner-json.ts";

const documented: JsonValue = JSON.parse(
  readFileSync(new URL("../documented-response.json", import.meta.url), "utf8"),
);

/** The values in the page's example that differ in canonical Protobuf JSON: before and after. */
const differences = {
  // Canonical JSON omits default values.
  "runner.creator.principal": ["PRINCIPAL_UNSPECIFIED", undefined],
  "runner.kind": ["RUNNER_KIND_UNSPECIFIED", undefined],
  "runner.provider": ["RUNNER_PROVIDER_UNSPECIFIED", undefined],
  "runner.spec.configuration.logLevel": ["LOG_LEVEL_UNSPECIFIED", undefined],
  "runner.spec.configuration.releaseChannel": ["RUNNER_RELEASE_CHANNEL_UNSPECIFIED", undefined],
  "runner.spec.desiredPhase": ["RUNNER_PHASE_UNSPECIFIED", undefined],
  "runner.spec.variant": ["RUNNER_VARIANT_UNSPECIFIED", undefined],
  "runner.status.phase": ["RUNNER_PHASE_UNSPECIFIED", undefined],
  // Canonical JSON has no plus sign.
  "runner.status.gatewayInfo.latency": ["+9125115.360s", "9125115.360s"],
};

describe("the example on the API's page", () => {
  test("keeps every value through JSON, in its canonical form", () => {
    const rewritten = toJson(GetRunnerResponseSchema, runnerFromJson(documented));
    expect(diffLeaves(leaves(documented), leaves(rewritten))).toEqual(differences);
  });

  test("keeps every value through binary, in its canonical form", () => {
    const bytes = toBinary(GetRunnerResponseSchema, runnerFromJson(documented));
    const rewritten = toJson(GetRunnerResponseSchema, fromBinary(GetRunnerResponseSchema, bytes));
    expect(diffLeaves(leaves(documented), leaves(rewritten))).toEqual(differences);
  });

  test("is rejected by the Protobuf runtime itself, because of the plus sign", () => {
    expect(() => fromJson(GetRunnerResponseSchema, documented)).toThrow(
      "cannot decode message google.protobuf.Duration from JSON",
    );
  });

  test("violates the contract's rule for public keys", () => {
    const result = createValidator().validate(GetRunnerResponseSchema, runnerFromJson(documented));
    expect(result.violations?.map(String)).toEqual([
      "runner.status.public_key: must be 32 bytes [bytes.len]",
    ]);
  });

  test("is not modified when it is read", () => {
    const copy = structuredClone(documented);
    runnerFromJson(documented);
    expect(documented).toEqual(copy);
  });
});

function leaves(json: JsonValue | undefined, path = ""): Map<string, JsonValue | undefined> {
  if (typeof json !== "object" || json === null) {
    return new Map([[path, json]]);
  }
  const entries = Object.entries(json).flatMap(([key, value]) => [
    ...leaves(value, path === "" ? key : `${path}.${key}`),
  ]);
  return new Map(entries);
}

function diffLeaves(
  before: Map<string, JsonValue | undefined>,
  after: Map<string, JsonValue | undefined>,
): Record<string, [JsonValue | undefined, JsonValue | undefined]> {
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  return Object.fromEntries(
    paths
      .filter((path) => before.get(path) !== after.get(path))
      .map((path) => [path, [before.get(path), after.get(path)]]),
  );
}
