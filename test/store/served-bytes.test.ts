import {
  clone,
  create,
  type DescField,
  type DescMessage,
  equals,
  isFieldSet,
  type JsonValue,
  type Message,
  ScalarType,
  toBinary,
  toJson,
  toJsonString,
} from "@bufbuild/protobuf";

import { DurationSchema, TimestampSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type GetRunnerResponse,
  GetRunnerResponseSchema,
  RunnerStatusSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { openFileRunnerStore } from "../../src/server/index.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

/** Values of the fields that have rules. */
const ruled: Record<string, fc.Arbitrary<unknown>> = {
  "gitpod.v1.Runner.runner_id": fc.uuid(),
  "gitpod.v1.Runner.runner_manager_id": fc.oneof(fc.uuid(), fc.constant("")),
  "gitpod.v1.Subject.id": fc.oneof(fc.uuid(), fc.constant("")),
  "gitpod.v1.UpdateWindow.start_hour": fc.nat(23),
  "gitpod.v1.UpdateWindow.end_hour": fc.option(fc.nat(23), { nil: undefined }),
  "gitpod.v1.RunnerStatus.public_key": fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.constant(new Uint8Array()),
  ),
  "gitpod.v1.Gateway.name": fc.string({ minLength: 1, unit: "binary" }),
  "gitpod.v1.Gateway.url": fc.string({ minLength: 1, unit: "grapheme" }),
};

function messages(schema: DescMessage): fc.Arbitrary<Message> {
  if (schema.typeName === TimestampSchema.typeName) {
    return fc
      .record({ seconds: fc.bigInt(-62_135_596_800n, 253_402_300_799n), nanos: nanos })
      .map((time) => create(TimestampSchema, time));
  }
  if (schema.typeName === DurationSchema.typeName) {
    return fc
      .record({ seconds: fc.bigInt(0n, 315_576_000_000n), nanos: nanos })
      .map((duration) => create(DurationSchema, duration));
  }
  const values = Object.fromEntries(
    schema.fields.map((field) => [field.localName, valuesOf(field)]),
  );
  return fc.record(values).map((init) => create(schema, init as never));
}

const nanos = fc.oneof(
  fc.constant(0),
  fc.nat(999).map((n) => n * 1_000_000),
  fc.nat(999_999_999),
);

function valuesOf(field: DescField): fc.Arbitrary<unknown> {
  const { message, enum: names } = field;
  const one =
    ruled[`${field.parent.typeName}.${field.name}`] ??
    (message
      ? fc.option(messages(message), { nil: undefined })
      : names
        ? fc.constantFrom(...names.values.map(({ number }) => number))
        : scalars(field));
  return field.fieldKind === "list"
    ? fc.array(
        one.filter((value) => value !== undefined),
        { maxLength: 3 },
      )
    : one;
}

function scalars({ scalar }: DescField): fc.Arbitrary<unknown> {
  switch (scalar) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array();
    case ScalarType.UINT32:
      return fc.maxSafeNat().map((n) => n % 2 ** 32);
    default:
      return fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.constant(""));
  }
}

const responses = messages(GetRunnerResponseSchema).filter((message) =>
  isFieldSet(message, GetRunnerResponseSchema.field.runner),
) as fc.Arbitrary<GetRunnerResponse>;

const bytesOf = (text: string | Uint8Array) => Buffer.from(text).toString("latin1");

/** The ways in which a file may say the same. */
const spellings: Record<string, (message: GetRunnerResponse) => { name: string; text: string }> = {
  "as the runtime writes it": (message) => ({
    name: "a.ndjson",
    text: toJsonString(GetRunnerResponseSchema, message),
  }),
  "in other words": (message) => {
    const json = toJson(GetRunnerResponseSchema, message, {
      alwaysEmitImplicit: true,
      useProtoFieldName: true,
    });
    const text = JSON.stringify(backwards(json), null, 1);
    return { name: "a.json", text: text.replace(/("latency": ")(?=\d)/, "$1+") };
  },
};

/** The same with the members of its objects in the opposite order. */
function backwards(json: JsonValue): JsonValue {
  if (Array.isArray(json)) {
    return json.map(backwards);
  }
  return typeof json === "object" && json !== null
    ? Object.fromEntries(
        Object.entries(json)
          .reverse()
          .map(([name, value]) => [name, backwards(value)]),
      )
    : json;
}

function expectBytes(
  served: ReturnType<Awaited<ReturnType<typeof openFileRunnerStore>>["peek"]>,
  message: GetRunnerResponse,
): void {
  expect(served?.encode("json", "identity")).toBe(
    bytesOf(toJsonString(GetRunnerResponseSchema, message)),
  );
  expect(served?.encode("proto", "identity")).toBe(
    bytesOf(toBinary(GetRunnerResponseSchema, message)),
  );
  const response = create(GetRunnerResponseSchema, { runner: served?.runner as never });
  expect(equals(GetRunnerResponseSchema, response, message)).toBe(true);
}

describe.each(Object.entries(spellings))("a runner in a file, %s,", (_, spell) => {
  test("is served as the runtime writes it", async (context) => {
    const folder = makeTempFolder(context);
    const check = async (message: GetRunnerResponse) => {
      const { name, text } = spell(message);
      const store = await openFileRunnerStore({ paths: [folder.write(name, text)], watch: false });
      expectBytes(store.peek(message.runner?.runnerId ?? ""), message);
    };
    await fc.assert(fc.asyncProperty(responses, check));
  });

  test("is served so with its heartbeat, too", async (context) => {
    const folder = makeTempFolder(context);
    const first = new Date("2026-01-01T00:00:00.250Z");
    let now = first;
    const check = async (original: GetRunnerResponse) => {
      const message = clone(GetRunnerResponseSchema, original);
      const runner = message.runner as NonNullable<typeof message.runner>;
      runner.status ??= create(RunnerStatusSchema);
      runner.status.updatedAt = timestampFromDate(first);
      const { name, text } = spell(message);
      const path = folder.write(name, `{"$serve":{"heartbeat":"1.5s"},${text.slice(1)}`);
      const store = await openFileRunnerStore({ paths: [path], watch: false, now: () => now });
      for (const [passed, beats] of [
        [0, 0],
        [1499, 0],
        [1500, 1],
        [4499, 2],
        [-1, 0],
      ] as const) {
        now = new Date(first.getTime() + passed);
        runner.status.updatedAt = timestampFromDate(new Date(first.getTime() + beats * 1500));
        expectBytes(store.peek(runner.runnerId), message);
      }
    };
    await fc.assert(fc.asyncProperty(responses, check));
  });
});
