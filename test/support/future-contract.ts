import { clone, create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
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
