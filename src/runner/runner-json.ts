import {
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonReadOptions,
  type JsonValue,
} from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  type GetRunnerResponse,
  GetRunnerResponseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";

/**
 * Reads a GetRunnerResponse from Protobuf JSON, and understands what
 * {@link canonicalJson} does.
 *
 * Throws an Error that names the field when the JSON does not fit the contract.
 */
export function runnerFromJson(
  json: JsonValue,
  options?: Partial<JsonReadOptions>,
): GetRunnerResponse {
  return fromJson(
    GetRunnerResponseSchema,
    canonicalJson(GetRunnerResponseSchema, json) as JsonValue,
    options,
  );
}

/**
 * Returns `json` with all durations that `schema` knows in it spelled
 * canonically: "+1.5s" becomes "1.5s".
 *
 * The example on the API's page writes durations with a plus sign. Other
 * runtimes take it, TypeScript's does not.
 *
 * What needs no change is returned as it is, not copied.
 */
export function canonicalJson(schema: DescMessage, json: unknown): unknown {
  if (!isObject(json)) {
    return json;
  }
  let result = json;
  for (const field of schema.fields) {
    if (field.message === undefined) {
      continue;
    }
    for (const name of [field.jsonName, field.name]) {
      const value = json[name];
      if (value === undefined) {
        continue;
      }
      const message = field.message;
      const canonical =
        field.fieldKind === "list" && Array.isArray(value)
          ? mapIfChanged(value, (item) => canonicalValue(message, item))
          : canonicalValue(message, value);
      if (canonical !== value) {
        result = { ...result, [name]: canonical as JsonValue };
      }
    }
  }
  return result;
}

function canonicalValue(schema: DescMessage, value: unknown): unknown {
  if (schema.typeName === DurationSchema.typeName) {
    return typeof value === "string" && /^\+\d/.test(value) ? value.slice(1) : value;
  }
  return canonicalJson(schema, value);
}

function mapIfChanged<T>(items: readonly T[], map: (item: T) => unknown): readonly unknown[] {
  const mapped = items.map(map);
  return mapped.some((item, i) => item !== items[i]) ? mapped : items;
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
