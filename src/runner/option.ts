/**
 * The longest delay of a timer in JavaScript, in milliseconds: a little less than 25 days. A timer
 * with a longer delay fires at once.
 */
export const maxTimerMs = 2 ** 31 - 1;

/**
 * Returns the options that are set, so that spreading the result over defaults does not replace
 * them. Undefined, null and a string of whitespace are not set. Removes whitespace around strings,
 * for example the line break at the end of a file.
 */
export function setOptions<Options extends object>(options: Options): Options {
  return Object.fromEntries(
    Object.entries(options)
      .map(([name, value]) => [name, typeof value === "string" ? value.trim() : value])
      .filter(([, value]) => value != null && value !== ""),
  ) as Options;
}

/** The numbers that an option accepts, including `min` and `max`. */
export interface NumberRange {
  readonly min: number;
  /** `Number.MAX_VALUE` accepts all finite numbers. Default: Infinity. */
  readonly max?: number;
  /** Whether only whole numbers, and Infinity if `max` is Infinity, are accepted. Default: false. */
  readonly integer?: boolean;
}

/**
 * Returns the value of an option that takes a number, or `defaultValue` if the option is not set.
 *
 * Throws a RangeError that contains the name of the option and the accepted numbers if it does not
 * accept the value.
 */
export function numberOption(
  name: string,
  value: number | undefined,
  defaultValue: number,
  { min, max = Number.POSITIVE_INFINITY, integer = false }: NumberRange,
): number {
  const number = value ?? defaultValue;
  const isInteger = Number.isInteger(number) || number === Number.POSITIVE_INFINITY;
  if (typeof number === "number" && number >= min && number <= max && (isInteger || !integer)) {
    return number;
  }
  const kind = integer
    ? "a whole number"
    : max === Number.MAX_VALUE
      ? "a finite number"
      : "a number";
  const range =
    max === Number.POSITIVE_INFINITY
      ? `of at least ${min}, or Infinity`
      : max === Number.MAX_VALUE
        ? `of at least ${min}`
        : `from ${min} to ${max}`;
  const actual = typeof number === "string" ? JSON.stringify(number) : String(number);
  throw new RangeError(`${name} must be ${kind} ${range}, not ${actual}`);
}

/**
 * Returns the value of an option that takes a time, or the current time if the option is not set.
 *
 * Throws a RangeError that contains the name of the option if the value is not a valid Date.
 */
export function dateOption(name: string, value: Date | undefined): Date {
  const date = value ?? new Date();
  // Not instanceof: a Date can come from another realm.
  if (typeof date.getTime !== "function" || Number.isNaN(date.getTime())) {
    throw new RangeError(`${name} must be a valid Date, not ${JSON.stringify(String(date))}`);
  }
  return date;
}
