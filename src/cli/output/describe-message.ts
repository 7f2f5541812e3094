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
 * Returns a message as rows for text output: a row for each field that is set,
 * with secrets hidden. Times are relative to `at`. The fields come from the
 * descriptor, so a new field of the contract appears without a change here.
 *
 * Unset fields are omitted, except for two kinds that mean something when unset:
 * a bool is "no", and without an update window updates are allowed at any time.
 */
export function describeMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  at: Date,
): Row[] {
  return describeFields(reflect(schema, message), at);
}

function describeFields(message: ReflectMessage, at: Date): Row[] {
  const rows = message.fields.flatMap((field) => describeField(message, field, at) ?? []);
  // Nested rows come last. A single row below them would be easy to miss.
  return [...rows.filter((row) => "text" in row), ...rows.filter((row) => "rows" in row)];
}

function describeField(message: ReflectMessage, field: DescField, at: Date): Row | undefined {
  const label = formatLabel(field);
  const unknownNames = unknownEnumNames(message.message, field.jsonName);
  if (unknownNames.length > 0 && !isSecret(field)) {
    const known = field.fieldKind === "list" ? [...message.get(field)] : [];
    const names = [...known.map((value) => formatValue(field, value)), ...unknownNames];
    return { label, text: names.join(", ") };
  }
  if (!message.isSet(field)) {
    if (field.fieldKind === "scalar" && field.scalar === ScalarType.BOOL) {
      return { label, text: "no" };
    }
    return field.message?.typeName === UpdateWindowSchema.typeName
      ? { label, text: formatUpdateWindow(undefined, at) }
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
    : { label, text: items.map((item) => formatValue(field, item)).join(", ") };
}

function describeValue(field: DescField, label: string, value: unknown, at: Date): Row {
  if (!isReflectMessage(value)) {
    const color =
      field.enum?.typeName === RunnerPhaseSchema.typeName ? phaseColor[Number(value)] : undefined;
    return { label, text: formatValue(field, value), color };
  }
  if (value.desc.typeName === FieldValueSchema.typeName) {
    const { key, value: text } = value.message as FieldValue;
    return { label: key, text };
  }
  const text = messageFormatters[value.desc.typeName]?.(value.message, at);
  return text === undefined ? { label, rows: describeFields(value, at) } : { label, text };
}

/** The message types that are formatted as text and not as nested rows, by type name. */
const messageFormatters: Readonly<
  Record<string, (message: Message, at: Date) => string | string[]>
> = {
  [TimestampSchema.typeName]: (time, at) => formatTime(timestampDate(time as Timestamp), at),
  [DurationSchema.typeName]: (duration) => formatDuration(durationMs(duration as Duration)),
  [UpdateWindowSchema.typeName]: (window, at) => formatUpdateWindow(window as UpdateWindow, at),
  [SubjectSchema.typeName]: (subject) => {
    const { principal, id } = subject as Subject;
    return `${enumShortName(PrincipalSchema, principal)} ${id}`;
  },
};

function formatValue(field: DescField, value: unknown): string {
  if (field.enum !== undefined) {
    return enumShortName(field.enum, Number(value));
  }
  if (typeof value === "boolean") {
    return value ? "yes" : "no";
  }
  return value instanceof Uint8Array ? base64Encode(value) : String(value);
}

function formatUpdateWindow(window: UpdateWindow | undefined, at: Date): string | string[] {
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

/** The words that are capitalized in labels. */
const initialisms: readonly string[] = ["api", "id", "llm", "url"];

/** Returns "Honeycomb API key" for `honeycomb_api_key`. */
function formatLabel(field: DescField): string {
  const words = field.name
    .split("_")
    .map((word) => (initialisms.includes(word) ? word.toUpperCase() : word))
    .join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
