import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";

/** The placeholder for a redacted value. */
export const redacted = "[redacted]";

/** Returns whether a field is a secret: whether the contract marks it with `debug_redact`. */
export function isSecret(field: DescField): boolean {
  return field.proto.options?.debugRedact === true;
}

/**
 * Returns a message as Protobuf JSON for logs and people, with every secret replaced by
 * `"[redacted]"`, at any depth. The descriptor determines which fields are secrets
 * (`debug_redact`).
 *
 * An empty secret is shown as an empty string: it reveals nothing, and it shows that no value is
 * set. Unknown fields are omitted, as always in Protobuf JSON, so they cannot leak a secret.
 *
 * With `alwaysEmitImplicit` (default: false), fields with their zero value are included.
 *
 * Throws an Error, as `toJson` does, for a value that Protobuf JSON cannot represent, for example a
 * timestamp after the year 9999.
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
  // Well-known types have a special JSON form and contain no secrets.
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
