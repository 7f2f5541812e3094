import type { EventEmitter } from "node:events";
import { type Command, InvalidArgumentError, Option } from "commander";
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

/** Parses a duration like {@link parseDuration}, except that it may be `0`, which is returned as 0. */
export function parseDurationOrZero(text: string): number {
  return /^0(ms|s|m)?$/.test(text) ? 0 : parseDuration(text);
}

/** Returns whether a text is a UUID, as all runner IDs are. */
export function isRunnerId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/**
 * Validates a runner ID and returns it unchanged.
 *
 * Throws a UsageError if it is not a UUID: such a runner cannot exist.
 */
export function parseRunnerId(text: string): string {
  if (!isRunnerId(text)) {
    throw new UsageError("It must be a UUID, such as d2c94c27-3b76-4a42-b88c-95a85e392c68.");
  }
  return text;
}

/**
 * Adds a runner ID to those that were already given, unless it is one of them in any letter case.
 *
 * Throws a UsageError if it is not a UUID.
 */
export function collectRunnerId(text: string, previous: readonly string[] = []): readonly string[] {
  const id = parseRunnerId(text);
  return previous.some((other) => other.toLowerCase() === id.toLowerCase())
    ? previous
    : [...previous, id];
}

/**
 * Adapts `parse` for commander's `argParser`. Commander puts the name of the
 * argument or option in front of the error message, and passes the previous value
 * of one that is given several times. `hint` is added to the error message.
 */
export function asArgParser<Value>(
  parse: (text: string, previous: Value | undefined) => Value,
  hint = "",
): (text: string, previous: Value | undefined) => Value {
  return (text, previous) => {
    try {
      return parse(text, previous);
    } catch (error) {
      throw new InvalidArgumentError(`${(error as Error).message} ${hint}`.trimEnd());
    }
  };
}

/**
 * An option with a list of values: it can be given several times, and each value can contain
 * several ones, separated by commas and spaces. It is the only kind of option that can be repeated.
 */
export class ListOption extends Option {
  constructor(flags: string, description: string) {
    super(flags, description);
    this.argParser((text: string, previous: readonly string[] = []) => [
      ...previous,
      ...splitList(text),
    ]);
  }
}

function splitList(text: string): string[] {
  return text.split(",").map((item) => item.trim());
}

/** Returns whether one of several values in a list is empty, usually an unset variable of the shell. */
export function hasEmptyItem(text: string): boolean {
  return text !== "" && splitList(text).includes("");
}

/**
 * Makes every option of `command` with an empty value count as unset, so that its default applies,
 * just like an empty environment variable. A program can then pass on what may be empty.
 */
export function treatEmptyAsUnset(command: Command): void {
  for (const option of command.options.filter((option) => option.required)) {
    const { parseArg } = option;
    option.argParser((text: string, previous: unknown) =>
      text === "" || parseArg === undefined ? text : parseArg(text, previous),
    );
  }
  const setOptionValueWithSource = command.setOptionValueWithSource.bind(command);
  command.setOptionValueWithSource = (name, value, source) =>
    value === "" ? command : setOptionValueWithSource(name, value, source);
}

/**
 * Makes it a usage error to give an option of `command` twice, unless it is a {@link ListOption},
 * or to give a list several values of which one is empty. Neither is silently ignored.
 */
export function checkRepeatedOptions(command: Command): void {
  for (const option of command.options) {
    // Before the listener with which commander sets the value. Its types lack this method.
    (command as unknown as EventEmitter).prependListener(
      `option:${option.name()}`,
      (value?: string) => {
        if (option instanceof ListOption) {
          if (hasEmptyItem(value ?? "")) {
            command.error(`error: option '${option.flags}' has an empty value`);
          }
        } else if (command.getOptionValueSource(option.attributeName()) === "cli") {
          command.error(`error: option '${option.flags}' is given twice; give it once`);
        }
      },
    );
  }
}
