import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonReadOptions,
  type JsonValue,
  type Message,
  type MessageShape,
} from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  type GetRunnerResponse,
  GetRunnerResponseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { messageGrammar, type TextGrammar, textGrammar } from "./json-grammar.ts";

/** JSON with fields or enum values that this version of the contract does not define. */
export interface UnknownJson {
  /** The original JSON, including everything that the message cannot hold. */
  readonly json: JsonValue;
  /** The names of unknown enum values, each with the path of its field. */
  readonly enumNames: readonly { readonly path: string; readonly name: string }[];
  /** The paths of unknown fields. */
  readonly fields: readonly string[];
}

/**
 * Parses a GetRunnerResponse from Protobuf JSON.
 *
 * With `ignoreUnknownFields` (default: false), unknown fields and names of unknown enum values,
 * such as a new capability, are dropped. Use {@link unknownJson} to read what was dropped.
 *
 * Durations may have a plus sign, as in the example in the API's documentation.
 *
 * Throws an Error that names the field if the JSON does not match the contract.
 */
export function runnerFromJson(
  json: JsonValue,
  options?: Partial<JsonReadOptions>,
): GetRunnerResponse {
  return messageFromJson(GetRunnerResponseSchema, json, options);
}

/**
 * Parses a message of the contract from Protobuf JSON.
 *
 * Accepts durations with a plus sign: the example in the API's documentation has them and other
 * Protobuf runtimes accept them, but the TypeScript runtime does not.
 *
 * Rejects dates that do not exist, and numbers, durations and bytes in a form that Protobuf JSON
 * does not have: the TypeScript runtime accepts them and reads something else.
 *
 * With `ignoreUnknownFields` (default: false), the runtime drops unknown fields and names of
 * unknown enum values, such as a new capability. Use {@link unknownJson} to read what was dropped.
 *
 * Throws an Error that names the field if the JSON does not match the contract.
 */
export function messageFromJson<Desc extends DescMessage>(
  schema: Desc,
  json: JsonValue,
  options?: Partial<JsonReadOptions>,
): MessageShape<Desc> {
  const grammar = messageGrammar(schema);
  if (grammar !== undefined && !matches(grammar, json)) {
    throw grammarError(schema.name, grammar);
  }
  const unknowns: Unknown[] = [];
  const normalized = normalizeMessage(schema, json, [], unknowns);
  const message = fromJson(schema, normalized, options);
  for (const unknown of unknowns) {
    recordUnknown(schema, message, json, unknown);
  }
  return message;
}

/**
 * Returns the unknown fields and enum values of the JSON from which `message` was parsed, or
 * undefined if there are none.
 *
 * Also works for nested messages: for a response, its runner, the runner's status. Paths consist of
 * JSON names and are relative to `message`, for example `status.capabilities` for a runner. The
 * information is attached to the message object, so a copy of it does not have it.
 *
 * Not needed for messages parsed from binary: they keep unknown enum values as numbers and unknown
 * fields in `$unknown`.
 */
export function unknownJson(message: Message): UnknownJson | undefined {
  return unknownJsonByMessage.get(message);
}

/** An unknown field or enum value in JSON. */
interface Unknown {
  /** JSON names and list indexes. */
  readonly path: readonly (string | number)[];
  /** The name of the enum value. Undefined if the field itself is unknown. */
  readonly enumName?: string;
}

const unknownJsonByMessage = new WeakMap<
  Message,
  UnknownJson & { enumNames: { path: string; name: string }[]; fields: string[] }
>();

/** Records an unknown field or enum value for each message that contains it, outermost first. */
function recordUnknown(
  schema: DescMessage,
  message: Message,
  json: JsonValue,
  { path, enumName }: Unknown,
): void {
  let current: { schema: DescMessage; value: unknown; json: unknown } = {
    schema,
    value: message,
    json,
  };
  for (const [depth, segment] of path.entries()) {
    const { value } = current;
    if (Array.isArray(value)) {
      current = {
        ...current,
        value: value[segment as number],
        json: (current.json as JsonValue[])[segment as number],
      };
      continue;
    }
    const entry = unknownJsonByMessage.get(value as Message) ?? {
      json: current.json as JsonValue,
      enumNames: [],
      fields: [],
    };
    unknownJsonByMessage.set(value as Message, entry);
    const relativePath = formatPath(path.slice(depth));
    if (enumName === undefined) {
      entry.fields.push(relativePath);
    } else {
      entry.enumNames.push({ path: relativePath, name: enumName });
    }
    const field = getFields(current.schema).get(segment as string)?.field;
    if (field?.message === undefined) {
      return;
    }
    current = {
      schema: field.message,
      // The type Message does not declare the fields, so read the field by its local name.
      value: (value as unknown as Record<string, unknown>)[field.localName],
      json: (current.json as JsonObject)[segment] ?? (current.json as JsonObject)[field.name],
    };
  }
}

function formatPath(segments: readonly (string | number)[]): string {
  return segments
    .map((segment) => (typeof segment === "number" ? `[${segment}]` : `.${segment}`))
    .join("")
    .slice(1);
}

/**
 * Returns `json` in a form that the runtime accepts and adds unknown fields and enum values to
 * `unknowns`. Returns the same object if nothing needs to change.
 *
 * Throws an Error if a text does not match its grammar.
 */
function normalizeMessage(
  schema: DescMessage,
  json: JsonValue,
  path: (string | number)[],
  unknowns: Unknown[],
): JsonValue {
  if (schema.typeName === DurationSchema.typeName) {
    return typeof json === "string" && /^\+\d/.test(json) ? json.slice(1) : json;
  }
  // The other well-known types have a special JSON form.
  if (schema.typeName.startsWith("google.protobuf.") || !isObject(json)) {
    return json;
  }
  const fields = getFields(schema);
  let result = json;
  for (const name of Object.keys(json)) {
    const entry = fields.get(name);
    if (entry === undefined) {
      unknowns.push({ path: [...path, name] });
      continue;
    }
    if (entry.grammar !== undefined && !matches(entry.grammar, json[name] as JsonValue)) {
      throw grammarError(formatPath([...path, entry.field.jsonName]), entry.grammar);
    }
    if (entry.enumNames !== undefined) {
      addUnknownEnumNames(entry, json[name], path, unknowns);
    } else if (entry.field.message !== undefined) {
      const value = json[name] as JsonValue;
      path.push(entry.field.jsonName);
      const normalized = normalizeField(entry.field.message, value, path, unknowns);
      path.pop();
      if (normalized !== value) {
        result = { ...result, [name]: normalized };
      }
    }
  }
  return result;
}

/** Adds the names of unknown enum values in a singular field or a list. */
function addUnknownEnumNames(
  { field, enumNames }: FieldEntry,
  value: JsonValue | undefined,
  path: readonly (string | number)[],
  unknowns: Unknown[],
): void {
  for (const name of Array.isArray(value) ? value : [value]) {
    if (typeof name === "string" && !enumNames?.has(name)) {
      unknowns.push({ path: [...path, field.jsonName], enumName: name });
    }
  }
}

function normalizeField(
  schema: DescMessage,
  value: JsonValue,
  path: (string | number)[],
  unknowns: Unknown[],
): JsonValue {
  if (!Array.isArray(value)) {
    return normalizeMessage(schema, value, path, unknowns);
  }
  const normalized = value.map((item, index) => {
    path.push(index);
    const result = normalizeMessage(schema, item, path, unknowns);
    path.pop();
    return result;
  });
  return normalized.some((item, index) => item !== value[index]) ? normalized : value;
}

/** Returns whether a value, or each item of a list, is not a text or matches the grammar. */
function matches(grammar: TextGrammar, json: JsonValue): boolean {
  return Array.isArray(json)
    ? json.every((item) => matches(grammar, item))
    : typeof json !== "string" || grammar.matches(json);
}

/** Does not contain the text: it may be a secret. */
function grammarError(name: string, { expected }: TextGrammar): Error {
  return new Error(`cannot decode ${name} from JSON: it is not ${expected}`);
}

interface FieldEntry {
  readonly field: DescField;
  /** The names of the enum's values, if this is an enum field. */
  readonly enumNames: ReadonlySet<string> | undefined;
  /** What a text must be, if the runtime is too lenient about it. */
  readonly grammar: TextGrammar | undefined;
}

const fieldsByMessage = new WeakMap<DescMessage, ReadonlyMap<string, FieldEntry>>();

/**
 * Returns the fields of a message by the names that JSON may use: the JSON name and the name in the
 * contract. Map fields are not supported, because the contract has none.
 */
function getFields(schema: DescMessage): ReadonlyMap<string, FieldEntry> {
  let fields = fieldsByMessage.get(schema);
  if (fields === undefined) {
    fields = new Map(
      schema.fields.flatMap((field) => {
        const entry = {
          field,
          enumNames: field.enum && new Set(field.enum.values.map(({ name }) => name)),
          grammar: textGrammar(field),
        };
        return [
          [field.jsonName, entry],
          [field.name, entry],
        ] as const;
      }),
    );
    fieldsByMessage.set(schema, fields);
  }
  return fields;
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
