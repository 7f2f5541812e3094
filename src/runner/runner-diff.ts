import {
  create,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { type Runner, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { unknownJson } from "./runner-json.ts";

/** A field that differs between two states of a runner. */
export interface RunnerChange {
  /** The path of the field in JSON names, for example `status.phase`. */
  readonly path: string;
  /** The old value in Protobuf JSON. Undefined if the field has presence and was not set. */
  readonly from: JsonValue | undefined;
  /** The new value in Protobuf JSON. Undefined if the field has presence and is not set. */
  readonly to: JsonValue | undefined;
  /** For a list: the items that were added, in list order. */
  readonly added?: readonly JsonValue[];
  /** For a list: the items that were removed, in list order. */
  readonly removed?: readonly JsonValue[];
  /** Whether the field is a secret (`debug_redact`), so that its values must not be shown. */
  readonly isSecret: boolean;
}

/** The path of the field with the time of the last heartbeat. */
const heartbeatPath = "status.updatedAt";

/**
 * Returns the fields that differ between two states of a runner, in the order of the contract.
 *
 * Each field is a separate change. If a message was added or removed, its fields are the changes.
 * An empty message that was added or removed is itself a change.
 *
 * Lists are compared as sets, because their order has no meaning. Names of enum values that this
 * version of the contract does not define are compared too (see `unknownJson`). Unknown fields are
 * ignored.
 */
export function diffRunners(before: Runner, after: Runner): RunnerChange[] {
  return diffMessages(RunnerSchema, toFullJson(before), toFullJson(after), "");
}

/** Returns whether the time of the last heartbeat is the only change. */
export function isHeartbeatOnly(changes: readonly RunnerChange[]): boolean {
  return changes.length === 1 && changes[0]?.path === heartbeatPath;
}

function diffMessages(
  schema: DescMessage,
  before: JsonObject,
  after: JsonObject,
  prefix: string,
): RunnerChange[] {
  return schema.fields.flatMap((field) => {
    const path = `${prefix}${field.jsonName}`;
    const [from, to] = [before[field.jsonName], after[field.jsonName]];
    if (isEqual(from, to)) {
      return [];
    }
    // Well-known types are single values in JSON, so they are compared as such below.
    if (field.fieldKind === "message" && (isObject(from) || isObject(to))) {
      const empty = emptyJson(field.message);
      const changes = diffMessages(
        field.message,
        isObject(from) ? from : empty,
        isObject(to) ? to : empty,
        `${path}.`,
      );
      const isAddedOrRemoved = from === undefined || to === undefined;
      return changes.length === 0 && isAddedOrRemoved
        ? [createChange(field, path, from, to)]
        : changes;
    }
    const change = createChange(field, path, from, to);
    return change.added?.length === 0 && change.removed?.length === 0 ? [] : [change];
  });
}

function createChange(
  field: DescField,
  path: string,
  from: JsonValue | undefined,
  to: JsonValue | undefined,
): RunnerChange {
  return {
    path,
    from,
    to,
    ...(Array.isArray(from) &&
      Array.isArray(to) && { added: difference(to, from), removed: difference(from, to) }),
    isSecret: field.proto.options?.debugRedact ?? false,
  };
}

/** Returns the items that are not in `others`. */
function difference(items: readonly JsonValue[], others: readonly JsonValue[]): JsonValue[] {
  return items.filter((item) => !others.some((other) => isEqual(item, other)));
}

/** Compares by serialization: `toJson` writes all keys in the same order. */
function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Returns a runner as JSON, including names of enum values that the message cannot hold. */
function toFullJson(runner: Runner): JsonObject {
  const json = toJson(RunnerSchema, runner, { alwaysEmitImplicit: true }) as unknown as JsonObject;
  for (const { path, name } of unknownJson(runner)?.enumNames ?? []) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    const parent = keys.reduce<JsonValue | undefined>(
      (value, key) => (isObject(value) ? value[key] : undefined),
      json,
    );
    if (isObject(parent)) {
      const value = parent[last];
      parent[last] = Array.isArray(value) ? [...value, name] : name;
    }
  }
  return json;
}

function emptyJson(schema: DescMessage): JsonObject {
  return toJson(schema, create(schema), { alwaysEmitImplicit: true }) as JsonObject;
}

function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
