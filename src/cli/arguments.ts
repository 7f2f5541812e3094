import { InvalidArgumentError } from "commander";
import { UsageError } from "./usage-error.ts";

const unitsMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000 };

/** The longest wait that a timer can hold, in milliseconds: a little less than 25 days. */
const longestMs = 2 ** 31 - 1;

/**
 * Reads a duration, such as `500ms`, `5s`, `1.5s` or `2m`, and returns it in
 * milliseconds.
 *
 * Throws a UsageError for anything else, and for one that is not above 0 or
 * longer than a timer can hold.
 */
export function parseDuration(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * (unitsMs[unit] ?? 0));
  if (ms <= 0) {
    throw new UsageError("It must be a number above 0 with a unit, such as 500ms, 5s or 2m.");
  }
  if (ms > longestMs) {
    throw new UsageError("It must be less than 25 days.");
  }
  return ms;
}

/**
 * Reads the id of a runner.
 *
 * Throws a UsageError if it is no UUID: there can be no such runner.
 */
export function parseRunnerId(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw new UsageError("It must be a UUID, such as d2c94c27-3b76-4a42-b88c-95a85e392c68.");
  }
  return text;
}

/** Lets commander tell which argument it is that `parse` refuses. */
export function checked<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}
