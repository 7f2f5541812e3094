import { InvalidArgumentError } from "commander";
import { UsageError } from "./usage-error.ts";

const unitsMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000 };

/** The longest delay that a Node.js timer supports, in milliseconds: a little less than 25 days. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * Parses a duration, such as `500ms`, `5s`, `1.5s` or `2m`, and returns it in
 * milliseconds.
 *
 * Throws a UsageError if the format is wrong, or if the duration is 0 or longer
 * than a timer supports.
 */
export function parseDuration(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * (unitsMs[unit] ?? 0));
  if (ms <= 0) {
    throw new UsageError(
      "It must be a duration with a unit, such as 500ms, 5s or 2m, and longer than 0.",
    );
  }
  if (ms > maxTimerMs) {
    throw new UsageError("It must be less than 25 days.");
  }
  return ms;
}

/**
 * Validates a runner ID and returns it unchanged.
 *
 * Throws a UsageError if it is not a UUID: such a runner cannot exist.
 */
export function parseRunnerId(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw new UsageError("It must be a UUID, such as d2c94c27-3b76-4a42-b88c-95a85e392c68.");
  }
  return text;
}

/**
 * Adapts `parse` for commander's `argParser`. Commander puts the name of the
 * argument or option in front of the error message.
 */
export function asArgParser<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}
