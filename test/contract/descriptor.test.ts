import { readFileSync } from "node:fs";
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { FieldRulesSchema, field as rulesOption } from "../../gen/buf/validate/validate_pb.ts";
import {
  file_gitpod_v1_runner_service as file,
  RunnerService,
} from "../../gen/gitpod/v1/runner_service_pb.ts";

// The fields of the live API, one per line:
// number, name, JSON name, type, presence, then its options.
const messages: Record<string, string[]> = {
  GetRunnerRequest: ["1 runner_id runnerId string implicit string.uuid"],
  GetRunnerResponse: ["1 runner runner Runner message required"],
  Runner: [
    "1 runner_id runnerId string implicit",
    "2 created_at createdAt google.protobuf.Timestamp message",
    "3 updated_at updatedAt google.protobuf.Timestamp message",
    "4 name name string implicit",
    "5 spec spec RunnerSpec message",
    "6 status status RunnerStatus message",
    "7 creator creator Subject message",
    "8 kind kind RunnerKind implicit",
    "9 provider provider RunnerProvider implicit",
    "10 runner_manager_id runnerManagerId string implicit string.uuid ignore=IGNORE_IF_ZERO_VALUE",
  ],
  RunnerSpec: [
    "1 desired_phase desiredPhase RunnerPhase implicit",
    "2 configuration configuration RunnerConfiguration message",
    "3 variant variant RunnerVariant implicit",
  ],
  RunnerConfiguration: [
    "1 region region string implicit",
    "2 release_channel releaseChannel RunnerReleaseChannel implicit",
    "3 auto_update autoUpdate bool implicit",
    "4 metrics metrics MetricsConfiguration message",
    "5 log_level logLevel LogLevel implicit",
    "6 devcontainer_image_cache_enabled devcontainerImageCacheEnabled bool implicit",
    "7 update_window updateWindow UpdateWindow message",
    "8 encrypted_honeycomb_api_key encryptedHoneycombApiKey bytes implicit debug_redact",
    "9 continuous_profiling continuousProfiling bool implicit",
  ],
  UpdateWindow: [
    "1 start_hour startHour uint32 optional uint32.lte=23 required",
    "2 end_hour endHour uint32 optional uint32.lte=23",
  ],
  MetricsConfiguration: [
    "1 enabled enabled bool implicit",
    "2 url url string implicit",
    "3 username username string implicit",
    "4 password password string implicit debug_redact",
    "5 managed_metrics_enabled managedMetricsEnabled bool implicit",
    "6 include_verbose_metrics includeVerboseMetrics bool implicit",
  ],
  RunnerStatus: [
    "1 updated_at updatedAt google.protobuf.Timestamp message",
    "2 version version string implicit",
    "3 system_details systemDetails string implicit",
    "4 phase phase RunnerPhase implicit",
    "5 log_url logUrl string implicit",
    "6 message message string implicit",
    "7 region region string implicit",
    "8 additional_info additionalInfo repeated FieldValue",
    "9 capabilities capabilities repeated RunnerCapability",
    "10 gateway_info gatewayInfo GatewayInfo message",
    "11 llm_url llmUrl string implicit",
    "12 public_key publicKey bytes implicit bytes.len=32 ignore=IGNORE_IF_ZERO_VALUE",
    "13 support_bundle_url supportBundleUrl string implicit",
  ],
  FieldValue: ["1 key key string implicit", "2 value value string implicit"],
  GatewayInfo: [
    "1 gateway gateway Gateway message",
    "2 latency latency google.protobuf.Duration message",
  ],
  Gateway: [
    "1 name name string implicit required",
    "2 url url string implicit required",
    "3 region region string implicit",
  ],
  Subject: [
    "1 id id string implicit string.uuid ignore=IGNORE_IF_ZERO_VALUE",
    "2 principal principal Principal implicit enum.definedOnly",
  ],
};

// The prefix of each enum, and its values in order from 0.
const enums: Record<string, [prefix: string, values: string]> = {
  Principal: [
    "PRINCIPAL",
    "UNSPECIFIED ACCOUNT USER RUNNER ENVIRONMENT SERVICE_ACCOUNT RUNNER_MANAGER",
  ],
  RunnerKind: ["RUNNER_KIND", "UNSPECIFIED LOCAL(deprecated) REMOTE LOCAL_CONFIGURATION"],
  RunnerProvider: [
    "RUNNER_PROVIDER",
    "UNSPECIFIED AWS_EC2 LINUX_HOST(deprecated) DESKTOP_MAC(deprecated) MANAGED GCP DEV_AGENT",
  ],
  RunnerPhase: ["RUNNER_PHASE", "UNSPECIFIED CREATED INACTIVE ACTIVE DELETING DELETED DEGRADED"],
  RunnerVariant: ["RUNNER_VARIANT", "UNSPECIFIED STANDARD ENTERPRISE"],
  RunnerReleaseChannel: ["RUNNER_RELEASE_CHANNEL", "UNSPECIFIED STABLE LATEST"],
  LogLevel: ["LOG_LEVEL", "UNSPECIFIED DEBUG INFO WARN ERROR"],
  RunnerCapability: [
    "RUNNER_CAPABILITY",
    "UNSPECIFIED FETCH_LOCAL_SCM_INTEGRATIONS SECRET_CONTAINER_REGISTRY AGENT_EXECUTION " +
      "ALLOW_ENV_TOKEN_POPULATION DEFAULT_DEV_CONTAINER_IMAGE ENVIRONMENT_SNAPSHOT " +
      "PREBUILDS_BEFORE_SNAPSHOT_TRIGGER LIST_SCM_ORGANIZATIONS CHECK_REPOSITORY_ACCESS " +
      "RUNNER_SIDE_AGENT WARM_POOL ASG_WARM_POOL PORT_AUTHENTICATION HORIZONTAL_SCALING " +
      "AGENT_EXECUTION_CNF REDIS_STREAM BASE_SNAPSHOT DYNAMIC_LLM_REQUEST_HEADERS",
  ],
};

test("the file is in package gitpod.v1, uses proto3 and has one service", () => {
  expect(file.proto.package).toBe("gitpod.v1");
  expect(file.proto.syntax).toBe("proto3");
  expect(file.services.map((service) => service.typeName)).toEqual(["gitpod.v1.RunnerService"]);
});

test("GetRunner is unary and has no side effects", () => {
  expect(RunnerService.methods.map((method) => method.name)).toEqual(["GetRunner"]);
  const { getRunner } = RunnerService.method;
  expect(getRunner.methodKind).toBe("unary");
  expect(getRunner.input.typeName).toBe("gitpod.v1.GetRunnerRequest");
  expect(getRunner.output.typeName).toBe("gitpod.v1.GetRunnerResponse");
  expect(getRunner.idempotency).toBe(MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS);
});

describe("messages", () => {
  test("are exactly the expected ones", () => {
    expect(file.messages.map((message) => message.name).sort()).toEqual(
      Object.keys(messages).sort(),
    );
  });
  test.each(file.messages.map((message) => [message.name, message] as const))(
    "%s",
    (name, desc) => {
      expect(describeFields(desc)).toEqual(messages[name]);
    },
  );
});

describe("enums", () => {
  test("are exactly the expected ones", () => {
    expect(file.enums.map((desc) => desc.name).sort()).toEqual(Object.keys(enums).sort());
  });
  test.each(file.enums.map((desc) => [desc.name, desc] as const))("%s", (name, desc) => {
    const [prefix, values] = enums[name] as [string, string];
    const expected = values.split(" ").map((value, number) => `${number} ${prefix}_${value}`);
    expect(describeValues(desc)).toEqual(expected);
  });
});

test("nothing is reserved except a principal", () => {
  const reserved = [...file.messages, ...file.enums].flatMap(({ name, proto }) => [
    // The end is exclusive in a message, inclusive in an enum.
    ...proto.reservedRange.map(({ start, end }) => `${name} ${start}-${end}`),
    ...proto.reservedName.map((reservedName) => `${name} ${reservedName}`),
  ]);
  expect(reserved).toEqual(["Principal 7-7", "Principal PRINCIPAL_AGENT_EXECUTION"]);
});

describe("the comments", () => {
  const proto = new URL("../../proto/gitpod/v1/runner_service.proto", import.meta.url);
  const source = readFileSync(proto, "utf8");
  const header = source.slice(0, source.indexOf("syntax ="));
  /** Returns the text of the comment directly before the first declaration of `name`. */
  const commentOf = (name: string) =>
    new RegExp(String.raw`((?: *//.*\n)+).*\b${name} = `)
      .exec(source)?.[1]
      ?.replace(/\s*\/\/\s*/g, " ");

  // The rules that the live API does not have, or has without the exception.
  test.each(["UpdateWindow.start_hour", "UpdateWindow.end_hour", "RunnerStatus.public_key"])(
    "say that the rule of %s is not the live API's",
    (field) => {
      expect(header).toContain(field);
      expect(commentOf(field.split(".")[1] as string)).toMatch(/the live API/i);
    },
  );

  test("say where the number of RUNNER_CAPABILITY_BASE_SNAPSHOT is from", () => {
    const comment = commentOf("RUNNER_CAPABILITY_BASE_SNAPSHOT");
    expect(comment).toMatch(/Python SDK 0\.12\.0.*TypeScript SDK.*v0\.15\.0.*1\.0\.1.*inferred/);
  });

  test.each([
    ["RUNNER_KIND_LOCAL_CONFIGURATION", /local runners.*system.*run environments/],
    ["RUNNER_CAPABILITY_AGENT_EXECUTION_CNF", /proof of possession \(`cnf`.*actor tokens/],
    ["RUNNER_CAPABILITY_HORIZONTAL_SCALING", /replicas.*REDIS_STREAM/],
    ["RUNNER_CAPABILITY_REDIS_STREAM", /Redis Streams.*Pub\/Sub.*HORIZONTAL_SCALING/],
    ["RUNNER_CAPABILITY_DYNAMIC_LLM_REQUEST_HEADERS", /LLM requests.*CEL.*literal/],
  ])("say what %s means", (name, meaning) => {
    expect(commentOf(name)).toMatch(meaning);
  });
});

function describeFields(desc: DescMessage): string[] {
  return desc.fields
    .toSorted((a, b) => a.number - b.number)
    .map((field) =>
      [
        field.number,
        field.name,
        field.jsonName,
        describeType(field),
        ...describeOptions(field),
      ].join(" "),
    );
}

function describeType(field: DescField): string {
  const shorten = (typeName: string) => typeName.replace(/^gitpod\.v1\./, "");
  const type =
    field.message !== undefined
      ? shorten(field.message.typeName)
      : field.enum !== undefined
        ? shorten(field.enum.typeName)
        : ScalarType[field.scalar as ScalarType].toLowerCase();
  if (field.fieldKind === "list") {
    return `repeated ${type}`;
  }
  if (field.fieldKind === "message") {
    return `${type} message`;
  }
  const implicit = field.presence === FeatureSet_FieldPresence.IMPLICIT;
  return `${type} ${implicit ? "implicit" : "optional"}`;
}

function describeOptions(field: DescField): string[] {
  const options: string[] = [];
  if (hasOption(field, rulesOption)) {
    const rules = toJson(FieldRulesSchema, getOption(field, rulesOption)) as object;
    for (const [name, rule] of Object.entries(rules)) {
      options.push(...formatRule(name, rule));
    }
  }
  if (field.proto.options?.debugRedact) {
    options.push("debug_redact");
  }
  return options;
}

function formatRule(name: string, rule: unknown): string[] {
  if (typeof rule === "object" && rule !== null) {
    return Object.entries(rule).flatMap(([key, value]) => formatRule(`${name}.${key}`, value));
  }
  return [rule === true ? name : `${name}=${rule}`];
}

function describeValues(desc: DescEnum): string[] {
  return desc.values.map(
    ({ number, name, deprecated }) => `${number} ${name}${deprecated ? "(deprecated)" : ""}`,
  );
}
