import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { file_buf_validate_validate as full } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { expect, test } from "vitest";
import { file_buf_validate_validate as subset } from "../../gen/buf/validate/validate_pb.ts";

test.each(subset.messages.map((message) => [message.typeName, message] as const))(
  "%s matches Protovalidate",
  (typeName, message) => {
    const original = full.messages.find((other) => other.typeName === typeName);
    expect(message.fields.length).toBeGreaterThan(0);
    expect(message.fields.map(describeField)).toEqual(
      message.fields.map((field) => describeField(findField(original, field.name))),
    );
  },
);

test.each(subset.enums.map((desc) => [desc.typeName, desc] as const))(
  "%s matches Protovalidate",
  (typeName, desc) => {
    const original = full.enums.find((other) => other.typeName === typeName);
    expect(describeValues(desc)).toEqual(describeValues(original));
  },
);

test("the extension matches Protovalidate", () => {
  expect(subset.extensions.length).toBe(1);
  for (const extension of subset.extensions) {
    const original = full.extensions.find((other) => other.typeName === extension.typeName);
    expect([extension.extendee.typeName, ...describeDescriptor(extension)]).toEqual([
      original?.extendee.typeName,
      ...describeDescriptor(original),
    ]);
  }
});

test("the package and the syntax match Protovalidate", () => {
  expect(subset.proto.package).toBe(full.proto.package);
  expect(subset.proto.syntax).toBe(full.proto.syntax);
});

function findField(message: DescMessage | undefined, name: string): DescField | undefined {
  return message?.fields.find((field) => field.name === name);
}

function describeField(field: DescField | undefined) {
  return [...describeDescriptor(field), field?.jsonName, field?.oneof?.name, field?.presence];
}

function describeDescriptor(field: Pick<DescField, "name" | "number" | "proto"> | undefined) {
  return [field?.name, field?.number, field?.proto.type, field?.proto.label, field?.proto.typeName];
}

function describeValues(desc: DescEnum | undefined) {
  return desc?.values.map(({ name, number }) => [name, number]);
}
