import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { nearestName } from "../runner/nearest-name.ts";
import { messageFromJson } from "../runner/runner-json.ts";
import type { SourceMember, SourceNode } from "./source-document.ts";

/** What hears of mistakes. */
export interface MistakeReport {
  /** `path` is the path of the field, in JSON spelling; empty for the whole document. */
  add(offset: number, path: string, message: string): void;
  /** Says that `path` is not to be judged further, because of a mistake somewhere else. */
  doubt(path: string): void;
  /** Names a place in the file, as `line:column`. */
  place(offset: number): string;
}

/**
 * Finds all mistakes in the Protobuf JSON of a message, where the runtime stops
 * at the first, and returns what is right in it: JSON that the runtime takes.
 *
 * The runtime is the judge of every single value; the descriptor says where they
 * are and how they should be.
 */
export function findMessageMistakes(
  schema: DescMessage,
  node: SourceNode,
  path: string,
  report: MistakeReport,
): JsonObject | undefined {
  if (node.members === undefined) {
    report.add(node.offset, path, `must be an object, not ${kindOf(node.value)}`);
    return undefined;
  }
  const right: JsonObject = {};
  const seen = new Map<DescField, SourceMember>();
  for (const member of node.members) {
    const memberPath = pathOf(path, member.name);
    const field = schema.fields.find(
      ({ name, jsonName }) => name === member.name || jsonName === member.name,
    );
    if (field === undefined) {
      report.add(member.offset, memberPath, unknownField(schema, member.name));
      report.doubt(pathOf(path, nearestName(member.name, namesOf(schema)) ?? ""));
      continue;
    }
    const twin = seen.get(field);
    if (twin !== undefined) {
      const where = report.place(twin.offset);
      const what =
        twin.name === member.name ? "is there twice, first" : `is the same as ${twin.name}, set`;
      report.add(member.offset, memberPath, `${what} at ${where}: keep one`);
      continue;
    }
    seen.set(field, member);
    const value = findFieldMistakes(field, member.node, memberPath, report);
    if (value !== undefined) {
      right[field.jsonName] = value;
    }
  }
  return right;
}

/** The path of a member of the object at `path`. */
export function pathOf(path: string, name: string): string {
  if (!/^[$\w]+$/.test(name)) {
    return `${path}[${shorten(JSON.stringify(name))}]`;
  }
  return path === "" ? shorten(name) : `${path}.${shorten(name)}`;
}

/** Names a kind of value. */
export function kindOf(value: unknown): string {
  if (value === null) {
    return "null";
  }
  if (Array.isArray(value)) {
    return "a list";
  }
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Says a value, or what kind of value it is if it is no short one. */
export function describe(value: unknown): string {
  return typeof value === "object" || typeof value === "undefined"
    ? kindOf(value)
    : shorten(JSON.stringify(value));
}

function findFieldMistakes(
  field: DescField,
  node: SourceNode,
  path: string,
  report: MistakeReport,
): JsonValue | undefined {
  if (node.value === null) {
    // Protobuf JSON takes null for "not set".
    return null;
  }
  if (field.fieldKind === "list") {
    if (node.items === undefined) {
      report.add(node.offset, path, `must be a list, not ${kindOf(node.value)}`);
      return undefined;
    }
    const right = node.items.map((item, index) =>
      findItemMistakes(field, item, `${path}[${index}]`, report),
    );
    if (right.includes(undefined)) {
      // The indexes of what is right are others than those in the file.
      report.doubt(path);
    }
    return right.filter((item) => item !== undefined);
  }
  return findItemMistakes(field, node, path, report);
}

function findItemMistakes(
  field: DescField,
  node: SourceNode,
  path: string,
  report: MistakeReport,
): JsonValue | undefined {
  if (field.message !== undefined && !isWellKnown(field.message) && node.value !== null) {
    return findMessageMistakes(field.message, node, path, report);
  }
  const value = node.value as JsonValue;
  if (!isTaken(field, field.fieldKind === "list" ? [value] : value)) {
    report.add(node.offset, path, wrongValue(field, value));
    return undefined;
  }
  return value;
}

function isTaken(field: DescField, value: JsonValue): boolean {
  try {
    messageFromJson(field.parent, { [field.jsonName]: value });
    return true;
  } catch {
    return false;
  }
}

/** Whether JSON has a form of its own for it. */
function isWellKnown(schema: DescMessage): boolean {
  return schema.typeName.startsWith("google.protobuf.");
}

function unknownField(schema: DescMessage, name: string): string {
  const problem = `is no field of ${schema.name}`;
  const owner = schema.fields.find(({ message }) =>
    message?.fields.some((field) => field.jsonName === name || field.name === name),
  );
  if (owner !== undefined) {
    return `${problem}: it belongs in ${owner.jsonName}`;
  }
  const meant = nearestName(name, namesOf(schema));
  return meant === undefined
    ? `${problem}, which has ${namesOf(schema).join(", ")}`
    : `${problem}: did you mean ${meant}?`;
}

function namesOf(schema: DescMessage): string[] {
  return schema.fields.map(({ jsonName }) => jsonName);
}

function wrongValue(field: DescField, value: unknown): string {
  if (field.enum !== undefined && typeof value === "string") {
    return unknownName(field.enum, value);
  }
  if (field.scalar === ScalarType.STRING && typeof value === "string") {
    return "must be Unicode: half of a surrogate pair stands alone";
  }
  const secret = field.proto.options?.debugRedact === true;
  const hint =
    field.scalar === ScalarType.STRING && typeof value !== "object" ? ": put it in quotes" : "";
  return `must be ${expected(field)}, not ${secret ? kindOf(value) : describe(value)}${hint}`;
}

function unknownName(schema: DescEnum, name: string): string {
  const problem = `is no ${schema.name}: ${describe(name)}`;
  const byAnyName = new Map(
    schema.values.flatMap((value) => [
      [value.localName, value.name],
      [value.name, value.name],
    ]),
  );
  const meant = nearestName(name, byAnyName.keys());
  return meant === undefined
    ? `${problem}; there are ${schema.values.map((value) => value.name).join(", ")}`
    : `${problem}; did you mean ${byAnyName.get(meant)}?`;
}

function expected(field: DescField): string {
  if (field.enum !== undefined) {
    return `the name of a ${field.enum.name}, like "${field.enum.values[1]?.name}"`;
  }
  if (field.message !== undefined) {
    return expectedMessage(field.message);
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return "a string";
    case ScalarType.BOOL:
      return "true or false";
    case ScalarType.BYTES:
      return "bytes in base64";
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return "a whole number from 0 to 4294967295";
    default:
      return "a number";
  }
}

function expectedMessage(schema: DescMessage): string {
  switch (schema.typeName) {
    case TimestampSchema.typeName:
      return 'a time, like "2026-11-23T08:00:00Z"';
    case DurationSchema.typeName:
      return 'a duration in seconds, like "1.5s"';
    default:
      return `a ${schema.name}`;
  }
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
