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
  /** The field, by JSON names: `status.phase`. */
  readonly path: string;
  /** What it was, in Protobuf JSON. Undefined if it was not set, and it can tell. */
  readonly from: JsonValue | undefined;
  /** What it is. */
  readonly to: JsonValue | undefined;
  /** Of a list: what is in it that was not, in its order. */
  readonly added?: readonly JsonValue[];
  /** Of a list: what was in it and is no longer, in its order. */
  readonly removed?: readonly JsonValue[];
  /** Whether the contract marks the field as a secret (`debug_redact`): hide its values. */
  readonly isSecret: boolean;
}

/** The field of a runner that says when it last gave a sign of life. */
const heartbeat = "status.updatedAt";

/**
 * Returns the fields in which two states of a runner differ, in the order of the
 * contract, each on its own: a message that comes or goes is told by its fields.
 *
 * Lists are compared as sets, as the order in them means nothing. Names of enum
 * values that are newer than this contract count (see `unknownJson`), unknown
 * fields do not.
 */
export function diffRunners(before: Runner, after: Runner): RunnerChange[] {
  return changesOf(RunnerSchema, jsonOf(before), jsonOf(after), "");
}

/** Whether all that changed is that the runner gave another sign of life. */
export function isHeartbeatOnly(changes: readonly RunnerChange[]): boolean {
  return changes.length === 1 && changes[0]?.path === heartbeat;
}

function changesOf(
  schema: DescMessage,
  before: JsonObject,
  after: JsonObject,
  prefix: string,
): RunnerChange[] {
  return schema.fields.flatMap((field) => {
    const path = `${prefix}${field.jsonName}`;
    const [from, to] = [before[field.jsonName], after[field.jsonName]];
    if (isSame(from, to)) {
      return [];
    }
    // Well-known types are single values in JSON.
    if (field.fieldKind === "message" && (isObject(from) || isObject(to))) {
      const empty = emptyJson(field.message);
      const changes = changesOf(
        field.message,
        isObject(from) ? from : empty,
        isObject(to) ? to : empty,
        `${path}.`,
      );
      const cameOrWent = from === undefined || to === undefined;
      return changes.length === 0 && cameOrWent ? [changeOf(field, path, from, to)] : changes;
    }
    const change = changeOf(field, path, from, to);
    return change.added?.length === 0 && change.removed?.length === 0 ? [] : [change];
  });
}

function changeOf(
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
      Array.isArray(to) && { added: without(to, from), removed: without(from, to) }),
    isSecret: field.proto.options?.debugRedact ?? false,
  };
}

function without(items: readonly JsonValue[], others: readonly JsonValue[]): JsonValue[] {
  return items.filter((item) => !others.some((other) => isSame(item, other)));
}

/** Compares values that were written alike, so equal ones are the same text. */
function isSame(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A runner with all its values, those included that the contract has no number for. */
function jsonOf(runner: Runner): JsonObject {
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
