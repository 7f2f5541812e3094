import { readFileSync } from "node:fs";
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, test } from "vitest";
import { GetRunnerResponseSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerFromJson } from "../../src/runner/runner-json.ts";

const documented: JsonValue = JSON.parse(
  readFileSync(new URL("../documented-response.json", import.meta.url), "utf8"),
);

/** What the page's example says and canonical Protobuf JSON says otherwise, or not at all. */
const differences = {
  // The default of its type: canonical JSON leaves it out.
  "runner.creator.principal": ["PRINCIPAL_UNSPECIFIED", undefined],
  "runner.kind": ["RUNNER_KIND_UNSPECIFIED", undefined],
  "runner.provider": ["RUNNER_PROVIDER_UNSPECIFIED", undefined],
  "runner.spec.configuration.logLevel": ["LOG_LEVEL_UNSPECIFIED", undefined],
  "runner.spec.configuration.releaseChannel": ["RUNNER_RELEASE_CHANNEL_UNSPECIFIED", undefined],
  "runner.spec.desiredPhase": ["RUNNER_PHASE_UNSPECIFIED", undefined],
  "runner.spec.variant": ["RUNNER_VARIANT_UNSPECIFIED", undefined],
  "runner.status.phase": ["RUNNER_PHASE_UNSPECIFIED", undefined],
  // The plus sign: canonical JSON has none.
  "runner.status.gatewayInfo.latency": ["+9125115.360s", "9125115.360s"],
};

describe("the example on the API's page", () => {
  test("keeps each of its leaves through JSON, but for canonical spelling", () => {
    const again = toJson(GetRunnerResponseSchema, runnerFromJson(documented));
    expect(differ(leaves(documented), leaves(again))).toEqual(differences);
  });

  test("keeps each of its leaves through binary, but for canonical spelling", () => {
    const bytes = toBinary(GetRunnerResponseSchema, runnerFromJson(documented));
    const again = toJson(GetRunnerResponseSchema, fromBinary(GetRunnerResponseSchema, bytes));
    expect(differ(leaves(documented), leaves(again))).toEqual(differences);
  });

  test("is refused by the runtime alone, for the plus sign", () => {
    expect(() => fromJson(GetRunnerResponseSchema, documented)).toThrow(
      "cannot decode message google.protobuf.Duration from JSON",
    );
  });

  test("breaks the contract's own rule for public keys", () => {
    const result = createValidator().validate(GetRunnerResponseSchema, runnerFromJson(documented));
    expect(result.violations?.map(String)).toEqual([
      "runner.status.public_key: must be 32 bytes [bytes.len]",
    ]);
  });

  test("is left as it was by reading it", () => {
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

function differ(
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
