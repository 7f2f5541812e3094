import {
  clone,
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import {
  EnumValueDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { file_gitpod_v1_runner_service as file } from "../../gen/gitpod/v1/runner_service_pb.ts";

/** A number that no field and no enum value of the contract has. */
export const futureNumber = 4242;

/**
 * The contract as it may be one day: every message has one more field, the
 * secret string `future_secret`, and every enum one more value.
 */
export const futureContract = (() => {
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  for (const message of proto.messageType) {
    message.field.push(
      create(FieldDescriptorProtoSchema, {
        name: "future_secret",
        jsonName: "futureSecret",
        number: futureNumber,
        type: FieldDescriptorProto_Type.STRING,
        label: FieldDescriptorProto_Label.OPTIONAL,
        options: { debugRedact: true },
      }),
    );
  }
  for (const { name, value } of proto.enumType) {
    value.push(
      create(EnumValueDescriptorProtoSchema, { name: `${name}_FUTURE`, number: futureNumber }),
    );
  }
  const registry = createFileRegistry(proto, (path) =>
    file.dependencies.find(({ proto }) => proto.name === path),
  );
  return {
    message(name: string): DescMessage {
      const message = registry.getMessage(`gitpod.v1.${name}`);
      if (message === undefined) {
        throw new Error(`the contract has no message ${name}`);
      }
      return message;
    },
  };
})();

/**
 * A GetRunnerResponse from the future, in binary: every secret in it is
 * `secret`, and every enum has the value from the future.
 */
export function futureResponse(secret: string): Uint8Array {
  const schema = futureContract.message("GetRunnerResponse");
  return toBinary(schema, filled(schema, secret));
}

/** A message with its secrets and enums set: to `secret`, and to the value from the future. */
function filled(desc: DescMessage, secret: string): Message {
  const init: Record<string, unknown> = {};
  for (const field of desc.fields) {
    if (field.message?.file.name.startsWith("google/")) {
      continue;
    }
    const value = fieldValue(field, secret);
    if (value !== undefined) {
      init[field.localName] = field.fieldKind === "list" ? [value] : value;
    }
  }
  return create(desc, init);
}

function fieldValue(field: DescField, secret: string): unknown {
  if (field.message !== undefined) {
    return filled(field.message, secret);
  }
  if (field.enum !== undefined) {
    return futureNumber;
  }
  if (!field.proto.options?.debugRedact) {
    return undefined;
  }
  return field.scalar === ScalarType.BYTES ? new TextEncoder().encode(secret) : secret;
}
