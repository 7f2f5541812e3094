import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { file_buf_validate_validate as whole } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { expect, test } from "vitest";
import { file_buf_validate_validate as slice } from "../../gen/buf/validate/validate_pb.ts";

test.each(slice.messages.map((message) => [message.typeName, message] as const))(
  "%s says what protovalidate says",
  (typeName, message) => {
    const original = whole.messages.find((other) => other.typeName === typeName);
    expect(message.fields.length).toBeGreaterThan(0);
    expect(message.fields.map(factsOf)).toEqual(
      message.fields.map((field) => factsOf(fieldNamed(original, field.name))),
    );
  },
);

test.each(slice.enums.map((desc) => [desc.typeName, desc] as const))(
  "%s says what protovalidate says",
  (typeName, desc) => {
    const original = whole.enums.find((other) => other.typeName === typeName);
    expect(valuesOf(desc)).toEqual(valuesOf(original));
  },
);

test("the extension says what protovalidate says", () => {
  expect(slice.extensions.length).toBe(1);
  for (const extension of slice.extensions) {
    const original = whole.extensions.find((other) => other.typeName === extension.typeName);
    expect([extension.extendee.typeName, ...facts(extension)]).toEqual([
      original?.extendee.typeName,
      ...facts(original),
    ]);
  }
});

test("package and syntax are protovalidate's", () => {
  expect(slice.proto.package).toBe(whole.proto.package);
  expect(slice.proto.syntax).toBe(whole.proto.syntax);
});

function fieldNamed(message: DescMessage | undefined, name: string): DescField | undefined {
  return message?.fields.find((field) => field.name === name);
}

function factsOf(field: DescField | undefined) {
  return [...facts(field), field?.jsonName, field?.oneof?.name, field?.presence];
}

function facts(field: Pick<DescField, "name" | "number" | "proto"> | undefined) {
  return [field?.name, field?.number, field?.proto.type, field?.proto.label, field?.proto.typeName];
}

function valuesOf(desc: DescEnum | undefined) {
  return desc?.values.map(({ name, number }) => [name, number]);
}
