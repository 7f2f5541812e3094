import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";

/**
 * What Protobuf JSON allows as the text of a value that the TypeScript runtime reads too leniently:
 * it reads February 29, 2026 as March 1, `1sfoo` as a second and `"0x10"` as 16.
 */
export interface TextGrammar {
  /** What the text must be, for error messages. */
  readonly expected: string;
  matches(text: string): boolean;
}

/** Returns the grammar of a field's text, or undefined if the runtime is strict about it. */
export function textGrammar({ scalar, message }: DescField): TextGrammar | undefined {
  switch (scalar) {
    case undefined:
      return message && messageGrammar(message);
    case ScalarType.STRING:
    case ScalarType.BOOL:
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return undefined;
    case ScalarType.BYTES:
      return base64;
    default:
      return integer;
  }
}

/** Returns the grammar of a message's text, or undefined if its JSON is not a text. */
export function messageGrammar({ typeName }: DescMessage): TextGrammar | undefined {
  switch (typeName) {
    case TimestampSchema.typeName:
      return timestamp;
    case DurationSchema.typeName:
      return duration;
    default:
      return undefined;
  }
}

const timestampPattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** RFC 3339 with up to nine fractional digits, and only days that exist. */
const timestamp: TextGrammar = {
  expected: "a date and time in RFC 3339",
  matches(text) {
    if (!timestampPattern.test(text)) {
      return false;
    }
    const day = Number(text.slice(8, 10));
    if (day <= 28) {
      return true;
    }
    // Day 0 is the last day of the month before.
    const lastDay = new Date(0).setUTCFullYear(
      Number(text.slice(0, 4)),
      Number(text.slice(5, 7)),
      0,
    );
    return day <= new Date(lastDay).getUTCDate();
  },
};

/**
 * Seconds with up to nine fractional digits. The plus sign is not part of Protobuf JSON, but see
 * `messageFromJson`.
 */
const duration: TextGrammar = {
  expected: 'a duration in seconds, like "1.5s"',
  matches: (text) => /^[+-]?\d+(?:\.\d{1,9})?s$/.test(text),
};

const integer: TextGrammar = {
  expected: "a decimal number",
  matches: (text) => /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text),
};

/** The standard and the URL-safe alphabet, with or without padding. */
const base64: TextGrammar = {
  expected: "base64",
  matches: (text) => /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/.test(text),
};
