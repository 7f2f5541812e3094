import type { JsonValue } from "@bufbuild/protobuf";
import { Document, visit } from "yaml";
import { isSafe, replaceUnsafe } from "../../runner/sanitize.ts";

/**
 * Formats a value as a YAML document that is safe to print on a terminal: strings with control
 * characters, bidi controls or other invisible characters are double-quoted, with escapes. The
 * parsed value stays the same.
 */
export function formatYaml(value: JsonValue): string {
  const document = new Document(value);
  visit(document, {
    Scalar(_, scalar) {
      const { value } = scalar;
      if (typeof value === "string" && (value.includes("\t") || !isSafe(value))) {
        scalar.type = "QUOTE_DOUBLE";
      }
    },
  });
  // No folding of long lines: whole lines are easier to search, as in JSON.
  return replaceUnsafe(document.toString({ lineWidth: 0 }), escapeForYaml);
}

/** Unlike JSON, YAML has an escape for each code point. Escapes of surrogates are not portable. */
function escapeForYaml(character: string): string {
  const hex = character.codePointAt(0)?.toString(16) ?? "";
  return hex.length > 4 ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}
