import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { GetRunnerResponseSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i)).join("");

/** What must not reach a terminal: C0 without NUL, DEL, C1, bidi controls, and invisible characters. */
const unsafeCharacters = [
  range(0x01, 0x1f),
  range(0x7f, 0x9f),
  "\u00ad\u061c\u180e\u200b\u200e\u200f",
  range(0x2028, 0x202e),
  "\u2060\u2066\u2067\u2068\u2069\ufeff\ufff9\u{e0041}",
].join("");

/** Text with all unsafe characters that can be in an argument or a file name, and with sequences that terminals obey. */
export const hostileText = `x${unsafeCharacters}\x1b[2J\x1b]0;t\x07\x9b2K`;

/** The same with NUL, which only JSON can carry. */
const hostileString = `${hostileText}\0`;

/** The same with unpaired surrogates, which are not valid in the strings of the contract. */
const invalidString = `${hostileString}\udc00 \ud800`;

/** Matches what runnerctl itself sends to a terminal, with "␛" in place of ESC and "␍" of CR. */
const ownSequences = /␛\[\d*m|␍␛\[[JK]|␛\[\?7l|␛\[\?7h␍|␍\n/g;

/**
 * Returns the unsafe characters in the output on a terminal, each with what follows it, except for
 * the sequences that runnerctl itself sends.
 */
export function findUnsafe(output: string): string[] {
  const codePoints = Array.from(unsafeCharacters, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
  const unsafe = new RegExp(`[\\0${codePoints.join("")}\\p{Cs}].{0,8}`, "gsu");
  const text = output
    .replaceAll("\x1b", "␛")
    .replaceAll("\r", "␍")
    .replace(ownSequences, "")
    .replaceAll("␛", "\x1b")
    .replaceAll("␍", "\r")
    .replaceAll("\n", "");
  return (text.match(unsafe) ?? []).map((match) => JSON.stringify(match));
}

/**
 * A GetRunnerResponse in JSON with hostile text in each of its strings, in the name of each enum
 * value, and in the name and the value of an unknown field of each message.
 */
export function createHostileResponse(): { readonly runner: JsonObject } {
  return hostileMessage(GetRunnerResponseSchema) as { runner: JsonObject };
}

function hostileMessage(schema: DescMessage): JsonValue {
  switch (schema.typeName) {
    case "google.protobuf.Timestamp":
      return "2026-11-23T08:00:00Z";
    case "google.protobuf.Duration":
      return "1.5s";
  }
  const fields = schema.fields.map((field) => {
    const value = hostileValue(field);
    return [field.jsonName, field.fieldKind === "list" ? [value, value] : value];
  });
  return { ...Object.fromEntries(fields), [invalidString]: invalidString };
}

function hostileValue(field: DescField): JsonValue {
  if (field.message !== undefined) {
    return hostileMessage(field.message);
  }
  if (field.enum !== undefined) {
    return `${field.enum.sharedPrefix?.toUpperCase()}${invalidString}`;
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return hostileString;
    case ScalarType.BOOL:
      return true;
    case ScalarType.BYTES:
      return "";
    default:
      return 1;
  }
}
