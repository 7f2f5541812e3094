import {
  create,
  type DescField,
  type DescMessage,
  isFieldSet,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import {
  type GetRunnerResponse,
  GetRunnerResponseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";

/** Valid values of the fields that have validation rules. */
const validValues: Record<string, fc.Arbitrary<unknown>> = {
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

function arbitraryMessage(schema: DescMessage): fc.Arbitrary<Message> {
  if (schema.typeName === TimestampSchema.typeName) {
    return fc
      .record({ seconds: fc.bigInt(-62_135_596_800n, 253_402_300_799n), nanos })
      .map((time) => create(TimestampSchema, time));
  }
  if (schema.typeName === DurationSchema.typeName) {
    return fc
      .record({ seconds: fc.bigInt(0n, 315_576_000_000n), nanos })
      .map((duration) => create(DurationSchema, duration));
  }
  const values = Object.fromEntries(
    schema.fields.map((field) => [field.localName, arbitraryValue(field)]),
  );
  return fc.record(values).map((init) => create(schema, init as never));
}

const nanos = fc.oneof(
  fc.constant(0),
  fc.nat(999).map((n) => n * 1_000_000),
  fc.nat(999_999_999),
);

function arbitraryValue(field: DescField): fc.Arbitrary<unknown> {
  const { message, enum: enumType } = field;
  const element =
    validValues[`${field.parent.typeName}.${field.name}`] ??
    (message
      ? fc.option(arbitraryMessage(message), { nil: undefined })
      : enumType
        ? fc.constantFrom(...enumType.values.map(({ number }) => number))
        : arbitraryScalar(field));
  return field.fieldKind === "list"
    ? fc.array(
        element.filter((value) => value !== undefined),
        { maxLength: 3 },
      )
    : element;
}

function arbitraryScalar({ scalar }: DescField): fc.Arbitrary<unknown> {
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

/** Arbitrary responses that are valid; every field is set in some and not set in others. */
export const responses = arbitraryMessage(GetRunnerResponseSchema).filter((message) =>
  isFieldSet(message, GetRunnerResponseSchema.field.runner),
) as fc.Arbitrary<GetRunnerResponse>;
