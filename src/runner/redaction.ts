import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";

/** What stands in place of a secret. */
export const redacted = "[redacted]";

/** Tells whether a field holds a secret: whether the contract marks it with `debug_redact`. */
export function isSecret(field: DescField): boolean {
  return field.proto.options?.debugRedact === true;
}

/**
 * Returns a message as Protobuf JSON for logs and for people: with
 * `"[redacted]"` in place of every secret, at any depth. Which fields are
 * secrets the descriptor says; see {@link isSecret}.
 *
 * An empty string is shown as such: there is nothing to hide, and it helps to
 * see that. Fields that the contract does not know are left out, as in all
 * Protobuf JSON: nobody can tell what is in them.
 *
 * With `alwaysEmitImplicit`, fields that have their zero value are written
 * instead of left out.
 *
 * Throws an Error, like `toJson`, for what JSON cannot hold: a timestamp after
 * the year 9999, for example.
 */
export function redactedJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  options: { alwaysEmitImplicit?: boolean } = {},
): JsonValue {
  const { alwaysEmitImplicit = false } = options;
  return redact(schema, toJson(schema, message, { alwaysEmitImplicit }) as JsonValue);
}

function redact(schema: DescMessage, json: JsonValue): JsonValue {
  // Well-known types have a JSON form of their own, and no secrets.
  if (!isObject(json) || schema.typeName.startsWith("google.protobuf.")) {
    return json;
  }
  const result = { ...json };
  for (const field of schema.fields) {
    const value = json[field.jsonName];
    if (value === undefined || value === "") {
      continue;
    }
    if (isSecret(field)) {
      result[field.jsonName] = redacted;
    } else if (field.message !== undefined) {
      result[field.jsonName] = redactField(field, field.message, value);
    }
  }
  return result;
}

function redactField(field: DescField, schema: DescMessage, value: JsonValue): JsonValue {
  if (field.fieldKind === "list" && Array.isArray(value)) {
    return value.map((item) => redact(schema, item));
  }
  if (field.fieldKind === "map" && isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, redact(schema, item)]),
    );
  }
  return redact(schema, value);
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
