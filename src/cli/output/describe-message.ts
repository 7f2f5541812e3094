import {
  type DescField,
  type DescMessage,
  type Message,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  type Duration,
  DurationSchema,
  durationMs,
  type Timestamp,
  TimestampSchema,
  timestampDate,
} from "@bufbuild/protobuf/wkt";
import {
  type FieldValue,
  FieldValueSchema,
  PrincipalSchema,
  RunnerPhaseSchema,
  type Subject,
  SubjectSchema,
  type UpdateWindow,
  UpdateWindowSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortName, unknownEnumNames } from "../../runner/enum-name.ts";
import { formatDuration } from "../../runner/format-duration.ts";
import { isSecret } from "../../runner/redaction.ts";
import { updateWindowHours, updateWindowState } from "../../runner/update-window.ts";
import { phaseColor } from "./colors.ts";
import { formatTime } from "./format-time.ts";
import type { Row } from "./rows.ts";

/**
 * Describes a message for people, as seen at `at`: a row for each field that
 * is set, with secrets hidden. The descriptor says which fields there are, so
 * nothing is forgotten when the contract grows.
 *
 * What is not set is left out, but for two kinds that mean something then,
 * too: a bool is a "no", and without an update window updates may happen at
 * any time.
 */
export function describeMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  at: Date,
): Row[] {
  return describe(reflect(schema, message), at);
}

function describe(message: ReflectMessage, at: Date): Row[] {
  const rows = message.fields.flatMap((field) => describeField(message, field, at) ?? []);
  // What fits on a line comes first: it would be lost below a longer part.
  return [...rows.filter((row) => "text" in row), ...rows.filter((row) => "rows" in row)];
}

function describeField(message: ReflectMessage, field: DescField, at: Date): Row | undefined {
  const label = labelOf(field);
  const newer = unknownEnumNames(message.message, field.jsonName);
  if (newer.length > 0 && !isSecret(field)) {
    const known = field.fieldKind === "list" ? [...message.get(field)] : [];
    const names = [...known.map((value) => valueText(field, value)), ...newer];
    return { label, text: names.join(", ") };
  }
  if (!message.isSet(field)) {
    if (field.fieldKind === "scalar" && field.scalar === ScalarType.BOOL) {
      return { label, text: "no" };
    }
    return field.message?.typeName === UpdateWindowSchema.typeName
      ? { label, text: updateWindowText(undefined, at) }
      : undefined;
  }
  if (isSecret(field)) {
    return { label, text: "(hidden)" };
  }
  if (field.fieldKind !== "list") {
    return describeValue(field, label, message.get(field), at);
  }
  const items = [...message.get(field)];
  return field.listKind === "message"
    ? { label, rows: items.map((item, i) => describeValue(field, String(i + 1), item, at)) }
    : { label, text: items.map((item) => valueText(field, item)).join(", ") };
}

function describeValue(field: DescField, label: string, value: unknown, at: Date): Row {
  if (!isReflectMessage(value)) {
    const color =
      field.enum?.typeName === RunnerPhaseSchema.typeName ? phaseColor[Number(value)] : undefined;
    return { label, text: valueText(field, value), color };
  }
  if (value.desc.typeName === FieldValueSchema.typeName) {
    const { key, value: text } = value.message as FieldValue;
    return { label: key, text };
  }
  const text = messageTexts[value.desc.typeName]?.(value.message, at);
  return text === undefined ? { label, rows: describe(value, at) } : { label, text };
}

/** The messages that are told in a few words. */
const messageTexts: Readonly<Record<string, (message: Message, at: Date) => string | string[]>> = {
  [TimestampSchema.typeName]: (time, at) => formatTime(timestampDate(time as Timestamp), at),
  [DurationSchema.typeName]: (duration) => formatDuration(durationMs(duration as Duration)),
  [UpdateWindowSchema.typeName]: (window, at) => updateWindowText(window as UpdateWindow, at),
  [SubjectSchema.typeName]: (subject) => {
    const { principal, id } = subject as Subject;
    return `${enumShortName(PrincipalSchema, principal)} ${id}`;
  },
};

function valueText(field: DescField, value: unknown): string {
  if (field.enum !== undefined) {
    return enumShortName(field.enum, Number(value));
  }
  if (typeof value === "boolean") {
    return value ? "yes" : "no";
  }
  return value instanceof Uint8Array ? base64Encode(value) : String(value);
}

function updateWindowText(window: UpdateWindow | undefined, at: Date): string | string[] {
  const hours = updateWindowHours(window);
  if (hours === undefined) {
    return "at any time";
  }
  const [start, end] = [hours.start, hours.end].map(
    (hour) => `${String(hour).padStart(2, "0")}:00`,
  );
  const { open, opens, closes } = updateWindowState(window, at);
  if (opens === undefined || closes === undefined) {
    return "the whole day";
  }
  return [
    `${start} to ${end} UTC`,
    open ? `open, closes ${formatTime(closes, at)}` : `closed, opens ${formatTime(opens, at)}`,
  ];
}

/** The words that are written in capitals. */
const initialisms: readonly string[] = ["api", "id", "llm", "url"];

/** "Honeycomb API key" for `honeycomb_api_key`. */
function labelOf(field: DescField): string {
  const words = field.name
    .split("_")
    .map((word) => (initialisms.includes(word) ? word.toUpperCase() : word))
    .join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
