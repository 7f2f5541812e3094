import { create, createFileRegistry, type DescField, fromBinary, toJson } from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GetRunnerResponseSchema, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { redacted, redactedJson } from "../../src/runner/redaction.ts";
import { futureNumber, futureResponse } from "../support/future-contract.ts";

const configuration = {
  encryptedHoneycombApiKey: new Uint8Array([1, 2, 3]),
  metrics: { username: "me", password: "secret" },
};

describe("redactedJson", () => {
  test("returns the JSON of the message with secrets replaced", () => {
    const runner = create(RunnerSchema, { name: "one", spec: { configuration } });
    expect(redactedJson(RunnerSchema, runner)).toEqual({
      name: "one",
      spec: {
        configuration: {
          encryptedHoneycombApiKey: redacted,
          metrics: { username: "me", password: redacted },
        },
      },
    });
    expect(runner.spec?.configuration?.metrics?.password).toBe("secret");
  });

  test("shows that a secret is empty", () => {
    const runner = create(RunnerSchema, { spec: { configuration: { metrics: {} } } });
    expect(redactedJson(RunnerSchema, runner)).toEqual(toJson(RunnerSchema, runner));
    expect(redactedJson(RunnerSchema, runner, { alwaysEmitImplicit: true })).toMatchObject({
      name: "",
      spec: { configuration: { encryptedHoneycombApiKey: "", metrics: { password: "" } } },
    });
  });

  test("never contains the value of a secret field", () => {
    fc.assert(
      fc.property(secretText, secretBytes, fc.boolean(), (text, bytes, alwaysEmitImplicit) => {
        const response = create(GetRunnerResponseSchema, {
          runner: {
            name: "one",
            spec: {
              configuration: {
                encryptedHoneycombApiKey: bytes,
                metrics: { url: "https://example.com", password: text },
              },
            },
          },
        });
        const json = redactedJson(GetRunnerResponseSchema, response, { alwaysEmitImplicit });
        expectNoSecrets(json, text, bytes);
      }),
    );
  });

  test("never contains an unknown field and accepts unknown enum values", () => {
    fc.assert(
      fc.property(secretText, (text) => {
        const response = fromBinary(GetRunnerResponseSchema, futureResponse(text));
        const json = redactedJson(GetRunnerResponseSchema, response);
        expectNoSecrets(json, text);
        expect(json).toMatchObject({
          runner: {
            kind: futureNumber,
            spec: { configuration: { metrics: { password: redacted } } },
            status: { phase: futureNumber, capabilities: [futureNumber] },
          },
        });
      }),
    );
  });
});

describe("redactedJson of any message", () => {
  const { message: desc, names } = messageWithSecrets();

  test.each(names)("redacts the secret field %s", (name) => {
    const field = desc.fields.find(({ name: fieldName }) => fieldName === name) as DescField;
    const json = redactedJson(desc, create(desc, { [field.localName]: secretValues[name] }));
    expect(json).toEqual({ [field.jsonName]: redacted });
  });

  test("redacts secret fields in messages, lists, maps and oneofs", () => {
    const child = create(desc, { text: "secret", plain: "visible" });
    const json = redactedJson(
      desc,
      create(desc, {
        plain: "visible",
        child,
        children: [child, child],
        childByName: { a: child },
        choice: { case: "chosenChild", value: child },
      }),
    );
    const redactedChild = { text: redacted, plain: "visible" };
    expect(json).toEqual({
      plain: "visible",
      child: redactedChild,
      children: [redactedChild, redactedChild],
      childByName: { a: redactedChild },
      chosenChild: redactedChild,
    });
  });

  test("redacts a secret field of a oneof", () => {
    const message = create(desc, { choice: { case: "chosenText", value: "secret" } });
    expect(redactedJson(desc, message)).toEqual({ chosenText: redacted });
  });

  const secretValues: Record<string, unknown> = {
    text: "secret",
    bytes: new Uint8Array([1, 2, 3]),
    number: 42,
    flag: true,
    texts: ["one", "two"],
    text_by_name: { a: "one" },
    secret_child: { plain: "secret" },
    secret_children: [{ plain: "secret" }],
  };
});

// Long enough not to match by chance, with arbitrary characters.
const secretText = fc
  .tuple(fc.constant("k9"), fc.string({ unit: "binary", minLength: 6, maxLength: 80 }))
  .map((parts) => parts.join(""));
const secretBytes = fc
  .uint8Array({ minLength: 8, maxLength: 80 })
  .map((bytes) => new Uint8Array(bytes));

function expectNoSecrets(json: unknown, ...secrets: (string | Uint8Array)[]) {
  const output = JSON.stringify(json);
  for (const secret of secrets) {
    const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
    const forms = [
      JSON.stringify(Buffer.from(bytes).toString()).slice(1, -1),
      base64Encode(bytes, "std_raw"),
      base64Encode(bytes, "url"),
      Buffer.from(bytes).toString("hex"),
    ];
    for (const form of forms) {
      expect(output).not.toContain(form);
    }
  }
}

/** Creates a recursive message type with secret fields of every kind. */
function messageWithSecrets() {
  const self = ".test.Message";
  const options = { debugRedact: true };
  const mapOf = (name: string, type: Type, typeName?: string) => ({
    name,
    options: { mapEntry: true },
    field: [
      { name: "key", number: 1, type: Type.STRING, label: Label.OPTIONAL },
      { name: "value", number: 2, type, label: Label.OPTIONAL, ...(typeName && { typeName }) },
    ],
  });
  const fields = [
    { name: "plain", type: Type.STRING },
    { name: "child", type: Type.MESSAGE, typeName: self },
    { name: "children", type: Type.MESSAGE, typeName: self, label: Label.REPEATED },
    {
      name: "child_by_name",
      type: Type.MESSAGE,
      typeName: `${self}.ChildByNameEntry`,
      label: Label.REPEATED,
    },
    { name: "chosen_child", type: Type.MESSAGE, typeName: self, oneofIndex: 0 },
    { name: "chosen_text", type: Type.STRING, oneofIndex: 0, options },
    { name: "text", type: Type.STRING, options },
    { name: "bytes", type: Type.BYTES, options },
    { name: "number", type: Type.INT32, options },
    { name: "flag", type: Type.BOOL, options },
    { name: "texts", type: Type.STRING, label: Label.REPEATED, options },
    {
      name: "text_by_name",
      type: Type.MESSAGE,
      typeName: `${self}.TextByNameEntry`,
      label: Label.REPEATED,
      options,
    },
    { name: "secret_child", type: Type.MESSAGE, typeName: self, options },
    {
      name: "secret_children",
      type: Type.MESSAGE,
      typeName: self,
      label: Label.REPEATED,
      options,
    },
  ];
  const proto = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    messageType: [
      {
        name: "Message",
        field: fields.map((field, i) => ({
          label: Label.OPTIONAL,
          number: i + 1,
          jsonName: protoCamelCase(field.name),
          ...field,
        })),
        nestedType: [
          mapOf("ChildByNameEntry", Type.MESSAGE, self),
          mapOf("TextByNameEntry", Type.STRING),
        ],
        oneofDecl: [{ name: "choice" }],
      },
    ],
  });
  const message = createFileRegistry(proto, () => undefined).getMessage("test.Message");
  if (message === undefined) {
    throw new Error("message test.Message not found");
  }
  const names = fields
    .filter((field) => "options" in field && !("oneofIndex" in field))
    .map(({ name }) => name);
  return { message, names };
}
