import type { JsonValue } from "@bufbuild/protobuf";
import { sanitizeJson } from "../../runner/sanitize.ts";

/**
 * Formats a value as JSON that is safe to print on a terminal: {@link sanitizeJson}. Without
 * `indentation`, it is a single line.
 */
export function formatJson(value: JsonValue, indentation = 0): string {
  return sanitizeJson(JSON.stringify(value, null, indentation));
}
