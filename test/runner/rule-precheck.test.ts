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

/** Whether Protovalidate finds nothing wrong. */
function isValid(schema: DescMessage, message: Message): boolean {
  return validator.validate(schema, message).kind === "valid";
}

const id = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

describe("a message of the contract keeps the rules plainly if Protovalidate finds none broken:", () => {
  test("a request", () => {
    const ids = fc.oneof(
      fc.uuid().map((id) => id.toUpperCase()),
      fc.tuple(fc.nat(36), fc.string()).map(([at, text]) => id.slice(0, at) + text + id.slice(at)),
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

  test("a response that keeps them", () => {
    fc.assert(
      fc.property(responses, (response) => {
        expect(isValid(GetRunnerResponseSchema, response)).toBe(true);
        expect(passesRulePrecheck(GetRunnerResponseSchema, response)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("a response with any value in a field that has rules", () => {
    let broken = 0;
    fc.assert(
      fc.property(responses, fc.nat(), fc.nat(50), (response, at, value) => {
        const fields = ruledFields(GetRunnerResponseSchema, response);
        const { message, field } = fields[at % fields.length] as RuledField;
        Object.assign(message, { [field.localName]: anyValue(field, value) });
        const expected = isValid(GetRunnerResponseSchema, response);
        broken += expected ? 0 : 1;
        expect(passesRulePrecheck(GetRunnerResponseSchema, response)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
    expect(broken).toBeGreaterThan(100);
  });
});

describe("a message plainly keeps no rule of a kind that is not known:", () => {
  const string = (value: MessageInitShape<typeof StringRulesSchema>) =>
    ({ type: { case: "string", value } }) as const;
  const uuid = { wellKnown: { case: "uuid", value: true } } as const;

  test.each<[string, string, MessageInitShape<typeof FieldRulesSchema>]>([
    ["another rule of strings", "GetRunnerRequest.runner_id", string({ minLen: 1n })],
    ["one beside a known one", "GetRunnerRequest.runner_id", string({ ...uuid, minLen: 1n })],
    ["an expression", "GetRunnerRequest.runner_id", { cel: [{ id: "a", expression: "true" }] }],
    ["a rule of lists", "RunnerStatus.capabilities", { type: { case: "repeated", value: {} } }],
  ])("%s", (_, path, rules) => {
    const [typeName = "", fieldName] = path.split(".");
    const schema = changedContract(typeName, (proto) => {
      const field = proto.field.find(({ name }) => name === fieldName);
      const options = create(FieldOptionsSchema);
      setExtension(options, fieldRules, create(FieldRulesSchema, rules));
      Object.assign(field as object, { options });
    });
    expectDoubt(schema);
  });

  test("a message's", () => {
    const schema = changedContract("GetRunnerRequest", (proto) => {
      proto.options = create(MessageOptionsSchema);
      const cel = [{ id: "a", expression: "true" }];
      setExtension(proto.options, messageRules, create(MessageRulesSchema, { cel }));
    });
    expectDoubt(schema);
  });

  test("but of the contract as it is, all are known", () => {
    for (const typeName of ["GetRunnerRequest", "RunnerStatus"]) {
      const schema = changedContract(typeName, () => {});
      expect(passesRulePrecheck(schema, exampleOf(schema))).toBe(true);
    }
  });

  function expectDoubt(schema: DescMessage) {
    expect(isValid(schema, exampleOf(schema))).toBe(true);
    expect(passesRulePrecheck(schema, exampleOf(schema))).toBe(false);
  }

  function exampleOf(schema: DescMessage): Message {
    const init: Record<string, unknown> = { runnerId: id, capabilities: [1] };
    return create(schema, init);
  }
});

/** A message of the contract, after a change of it. */
function changedContract(typeName: string, change: (proto: DescriptorProto) => void): DescMessage {
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  change(proto.messageType.find(({ name }) => name === typeName) as DescriptorProto);
  const registry = createFileRegistry(proto, (path) =>
    file.dependencies.find(({ proto }) => proto.name === path),
  );
  return registry.getMessage(`gitpod.v1.${typeName}`) as DescMessage;
}

interface RuledField {
  readonly message: Message;
  readonly field: DescField;
}

/** The fields that have rules, in a message and all that is in it. */
function ruledFields(schema: DescMessage, message: Message): RuledField[] {
  const within = reflect(schema, message);
  return schema.fields.flatMap((field) => {
    const own = hasOption(field, rulesOf) ? [{ message, field }] : [];
    const child =
      field.fieldKind === "message" && within.isSet(field) ? within.get(field) : undefined;
    return child === undefined ? own : [...own, ...ruledFields(child.desc, child.message)];
  });
}

/** A value that the field can have, or not, one for each `seed`. */
function anyValue({ scalar, enum: names }: DescField, seed: number): unknown {
  if (names !== undefined) {
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
