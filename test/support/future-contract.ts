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

/** A number that no field or enum value of the contract uses. */
export const futureNumber = 4242;

/**
 * A future version of the contract: every message has an additional field, the
 * secret string `future_secret`, and every enum an additional value.
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
 * Returns a binary GetRunnerResponse of the future contract. Every secret in it is
 * `secret`, and every enum has the additional value.
 */
export function futureResponse(secret: string): Uint8Array {
  const schema = futureContract.message("GetRunnerResponse");
  return toBinary(schema, createFilled(schema, secret));
}

/** Creates a message with its secrets set to `secret` and its enums to the additional value. */
function createFilled(desc: DescMessage, secret: string): Message {
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
    return createFilled(field.message, secret);
  }
  if (field.enum !== undefined) {
    return futureNumber;
  }
  if (!field.proto.options?.debugRedact) {
    return undefined;
  }
  return field.scalar === ScalarType.BYTES ? new TextEncoder().encode(secret) : secret;
}
