import {
  clone,
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  hasOption,
  type Message,
  type MessageInitShape,
  ScalarType,
  setExtension,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  type DescriptorProto,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import {
  FieldRulesSchema,
  field as fieldRules,
  MessageRulesSchema,
  message as messageRules,
  type StringRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { field as rulesOf } from "../../gen/buf/validate/validate_pb.ts";
import {
  file_gitpod_v1_runner_service as file,
  GetRunnerRequestSchema,
  GetRunnerResponseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { passesRulePrecheck } from "../../src/runner/rule-precheck.ts";
import { responses } from "../support/arbitrary-response.ts";

const validator = createValidator();

/** Returns whether Protovalidate finds no violations. */
function isValid(schema: DescMessage, message: Message): boolean {
  return validator.validate(schema, message).kind === "valid";
}

const id = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

describe("the precheck agrees with Protovalidate on", () => {
  test("requests", () => {
    const ids = fc.oneof(
      fc.uuid().map((id) => id.toUpperCase()),
      fc
        .tuple(fc.nat(36), fc.string())
        .map(([index, inserted]) => id.slice(0, index) + inserted + id.slice(index)),
      fc.tuple(fc.nat(36), fc.nat(36)).map(([from, to]) => id.slice(from, to)),
      fc.constantFrom("", `${id}\n`, `${id}${id}`, id.replaceAll("-", "")),
    );
    fc.assert(
      fc.property(ids, (runnerId) => {
        const request = create(GetRunnerRequestSchema, { runnerId });
        expect(passesRulePrecheck(GetRunnerRequestSchema, request)).toBe(
          isValid(GetRunnerRequestSchema, request),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("valid responses", () => {
    fc.assert(
      fc.property(responses, (response) => {
        expect(isValid(GetRunnerResponseSchema, response)).toBe(true);
        expect(passesRulePrecheck(GetRunnerResponseSchema, response)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("responses with arbitrary values in fields that have rules", () => {
    let invalidCount = 0;
    fc.assert(
      fc.property(responses, fc.nat(), fc.nat(50), (response, index, seed) => {
        const fields = findFieldsWithRules(GetRunnerResponseSchema, response);
        const { message, field } = fields[index % fields.length] as FieldWithRules;
        Object.assign(message, { [field.localName]: createValue(field, seed) });
        const expected = isValid(GetRunnerResponseSchema, response);
        invalidCount += expected ? 0 : 1;
        expect(passesRulePrecheck(GetRunnerResponseSchema, response)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
    expect(invalidCount).toBeGreaterThan(100);
  });
});

describe("the precheck does not pass with unsupported rules:", () => {
  const string = (value: MessageInitShape<typeof StringRulesSchema>) =>
    ({ type: { case: "string", value } }) as const;
  const uuid = { wellKnown: { case: "uuid", value: true } } as const;

  test.each<[string, string, MessageInitShape<typeof FieldRulesSchema>]>([
    ["another string rule", "GetRunnerRequest.runner_id", string({ minLen: 1n })],
    [
      "an unsupported rule next to a supported one",
      "GetRunnerRequest.runner_id",
      string({ ...uuid, minLen: 1n }),
    ],
    ["a CEL expression", "GetRunnerRequest.runner_id", { cel: [{ id: "a", expression: "true" }] }],
    ["a list rule", "RunnerStatus.capabilities", { type: { case: "repeated", value: {} } }],
  ])("%s", (_, path, rules) => {
    const [typeName = "", fieldName] = path.split(".");
    const schema = changeContract(typeName, (proto) => {
      const field = proto.field.find(({ name }) => name === fieldName);
      const options = create(FieldOptionsSchema);
      setExtension(options, fieldRules, create(FieldRulesSchema, rules));
      Object.assign(field as object, { options });
    });
    expectInconclusive(schema);
  });

  test("a message rule", () => {
    const schema = changeContract("GetRunnerRequest", (proto) => {
      proto.options = create(MessageOptionsSchema);
      const cel = [{ id: "a", expression: "true" }];
      setExtension(proto.options, messageRules, create(MessageRulesSchema, { cel }));
    });
    expectInconclusive(schema);
  });

  test("all rules in the contract are supported", () => {
    for (const typeName of ["GetRunnerRequest", "RunnerStatus"]) {
      const schema = changeContract(typeName, () => {});
      expect(passesRulePrecheck(schema, createExample(schema))).toBe(true);
    }
  });

  function expectInconclusive(schema: DescMessage) {
    expect(isValid(schema, createExample(schema))).toBe(true);
    expect(passesRulePrecheck(schema, createExample(schema))).toBe(false);
  }

  function createExample(schema: DescMessage): Message {
    const init: Record<string, unknown> = { runnerId: id, capabilities: [1] };
    return create(schema, init);
  }
});

/** Returns a message descriptor of the contract with a change applied. */
function changeContract(typeName: string, change: (proto: DescriptorProto) => void): DescMessage {
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  change(proto.messageType.find(({ name }) => name === typeName) as DescriptorProto);
  const registry = createFileRegistry(proto, (path) =>
    file.dependencies.find(({ proto }) => proto.name === path),
  );
  return registry.getMessage(`gitpod.v1.${typeName}`) as DescMessage;
}

interface FieldWithRules {
  readonly message: Message;
  readonly field: DescField;
}

/** Returns the fields with rules in a message and its nested messages. */
function findFieldsWithRules(schema: DescMessage, message: Message): FieldWithRules[] {
  const reflected = reflect(schema, message);
  return schema.fields.flatMap((field) => {
    const own = hasOption(field, rulesOf) ? [{ message, field }] : [];
    const child =
      field.fieldKind === "message" && reflected.isSet(field) ? reflected.get(field) : undefined;
    return child === undefined ? own : [...own, ...findFieldsWithRules(child.desc, child.message)];
  });
}

/** Returns a valid or invalid value for a field, depending on `seed`. */
function createValue({ scalar, enum: enumSchema }: DescField, seed: number): unknown {
  if (enumSchema !== undefined) {
    return seed;
  }
  switch (scalar) {
    case ScalarType.STRING:
      return [id, "", "x", id.toUpperCase(), `${id}\n`][seed % 5];
    case ScalarType.UINT32:
      return seed === 50 ? undefined : seed;
    case ScalarType.BYTES:
      return new Uint8Array(seed);
    default:
      return undefined;
  }
}
