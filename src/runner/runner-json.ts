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

/** What JSON said that this version of the contract has no word for: it comes from the future. */
export interface UnknownJson {
  /** The JSON as it was, with all that the message cannot hold. */
  readonly json: JsonValue;
  /** The names of enum values that are not known, each with the path of its field. */
  readonly enumNames: readonly { readonly path: string; readonly name: string }[];
  /** The paths of the fields that are not known. */
  readonly fields: readonly string[];
}

/**
 * Reads a GetRunnerResponse from Protobuf JSON, as {@link messageFromJson} does.
 *
 * Throws an Error that names the field when the JSON does not fit the contract.
 */
export function runnerFromJson(
  json: JsonValue,
  options?: Partial<JsonReadOptions>,
): GetRunnerResponse {
  return messageFromJson(GetRunnerResponseSchema, json, options);
}

/**
 * Reads a message of the contract from Protobuf JSON.
 *
 * It takes durations with a plus sign: the example on the API's page has them,
 * other runtimes take them, TypeScript's does not.
 *
 * With `ignoreUnknownFields`, the runtime drops names of enum values that it
 * does not know, a new capability for instance, along with unknown fields. What
 * it dropped can be read from the message with {@link unknownJson}.
 *
 * Throws an Error that names the field when the JSON does not fit the contract.
 */
export function messageFromJson<Desc extends DescMessage>(
  schema: Desc,
  json: JsonValue,
  options?: Partial<JsonReadOptions>,
): MessageShape<Desc> {
  const findings: Finding[] = [];
  const readable = makeReadable(schema, json, [], findings);
  const message = fromJson(schema, readable, options);
  for (const finding of findings) {
    recordFinding(schema, message, json, finding);
  }
  return message;
}

/**
 * Returns what the JSON, from which `message` was read, said and `message`
 * cannot say, or undefined if it says it all.
 *
 * Works for each message inside of one that was read: for a response, its
 * runner, the runner's status. Paths are of JSON names and start at `message`:
 * `status.capabilities` for a runner. A copy of a message has forgotten it.
 *
 * In binary nothing is lost: unknown enum values are kept as numbers, unknown
 * fields in `$unknown`.
 */
export function unknownJson(message: Message): UnknownJson | undefined {
  return unknownJsonByMessage.get(message);
}

interface Finding {
  /** JSON names, and indexes into lists. */
  readonly path: readonly (string | number)[];
  /** The name of an enum value. Without it, the field itself is not known. */
  readonly enumName?: string;
}

/** The findings in each message. Weak, so that it goes when the message goes. */
const unknownJsonByMessage = new WeakMap<
  Message,
  UnknownJson & { enumNames: { path: string; name: string }[]; fields: string[] }
>();

/** Notes a finding with each message that it is in, outermost first. */
function recordFinding(
  schema: DescMessage,
  message: Message,
  json: JsonValue,
  { path, enumName }: Finding,
): void {
  let at: { schema: DescMessage; value: unknown; json: unknown } = { schema, value: message, json };
  for (const [depth, segment] of path.entries()) {
    const { value } = at;
    if (Array.isArray(value)) {
      at = {
        ...at,
        value: value[segment as number],
        json: (at.json as JsonValue[])[segment as number],
      };
      continue;
    }
    const known = unknownJsonByMessage.get(value as Message) ?? {
      json: at.json as JsonValue,
      enumNames: [],
      fields: [],
    };
    unknownJsonByMessage.set(value as Message, known);
    const rest = pathOf(path.slice(depth));
    if (enumName === undefined) {
      known.fields.push(rest);
    } else {
      known.enumNames.push({ path: rest, name: enumName });
    }
    const field = fieldsOf(at.schema).get(segment as string)?.field;
    if (field?.message === undefined) {
      return;
    }
    at = {
      schema: field.message,
      // A message is a plain object; which fields it has is known here from its descriptor only.
      value: (value as unknown as Record<string, unknown>)[field.localName],
      json: (at.json as JsonObject)[segment] ?? (at.json as JsonObject)[field.name],
    };
  }
}

function pathOf(segments: readonly (string | number)[]): string {
  return segments
    .map((segment) => (typeof segment === "number" ? `[${segment}]` : `.${segment}`))
    .join("")
    .slice(1);
}

/**
 * Returns `json` as the runtime can read it, and adds what is unknown to
 * `findings`. What needs no change is returned as it is, not copied.
 */
function makeReadable(
  schema: DescMessage,
  json: JsonValue,
  path: (string | number)[],
  findings: Finding[],
): JsonValue {
  if (schema.typeName === DurationSchema.typeName) {
    return typeof json === "string" && /^\+\d/.test(json) ? json.slice(1) : json;
  }
  // The other well-known types have a JSON of their own.
  if (schema.typeName.startsWith("google.protobuf.") || !isObject(json)) {
    return json;
  }
  const fields = fieldsOf(schema);
  let result = json;
  for (const name of Object.keys(json)) {
    const known = fields.get(name);
    if (known === undefined) {
      findings.push({ path: [...path, name] });
    } else if (known.enumNames !== undefined) {
      findNames(known, json[name], path, findings);
    } else if (known.field.message !== undefined) {
      const value = json[name] as JsonValue;
      path.push(known.field.jsonName);
      const readable = makeFieldReadable(known.field.message, value, path, findings);
      path.pop();
      if (readable !== value) {
        result = { ...result, [name]: readable };
      }
    }
  }
  return result;
}

/** Adds the names of enum values that are not known, in a field or in each item of a list. */
function findNames(
  { field, enumNames }: KnownField,
  value: JsonValue | undefined,
  path: readonly (string | number)[],
  findings: Finding[],
): void {
  for (const name of Array.isArray(value) ? value : [value]) {
    if (typeof name === "string" && !enumNames?.has(name)) {
      findings.push({ path: [...path, field.jsonName], enumName: name });
    }
  }
}

function makeFieldReadable(
  schema: DescMessage,
  value: JsonValue,
  path: (string | number)[],
  findings: Finding[],
): JsonValue {
  if (!Array.isArray(value)) {
    return makeReadable(schema, value, path, findings);
  }
  const readable = value.map((item, index) => {
    path.push(index);
    const result = makeReadable(schema, item, path, findings);
    path.pop();
    return result;
  });
  return readable.some((item, index) => item !== value[index]) ? readable : value;
}

interface KnownField {
  readonly field: DescField;
  /** The names of its enum's values, if it has an enum. */
  readonly enumNames: ReadonlySet<string> | undefined;
}

const knownFields = new WeakMap<DescMessage, ReadonlyMap<string, KnownField>>();

/** The fields of a message, by each name that JSON may call them. The contract has no maps. */
function fieldsOf(schema: DescMessage): ReadonlyMap<string, KnownField> {
  let fields = knownFields.get(schema);
  if (fields === undefined) {
    fields = new Map(
      schema.fields.flatMap((field) => {
        const known = {
          field,
          enumNames: field.enum && new Set(field.enum.values.map(({ name }) => name)),
        };
        return [
          [field.jsonName, known],
          [field.name, known],
        ] as const;
      }),
    );
    knownFields.set(schema, fields);
  }
  return fields;
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
