import { describe, expect, test } from "vitest";
import { dateOption, type NumberRange, numberOption, setOptions } from "../../src/runner/option.ts";

describe("numberOption", () => {
  test.each<[NumberRange, number[]]>([
    [{ min: 0 }, [0, 0.5, 1e300, Number.POSITIVE_INFINITY]],
    [{ min: 1, integer: true }, [1, 2, Number.POSITIVE_INFINITY]],
    [{ min: 0, max: Number.MAX_VALUE }, [0, 0.5, Number.MAX_VALUE]],
    [{ min: 0, max: 65_535, integer: true }, [0, 65_535]],
  ])("with the range %j returns %j", (range, values) => {
    expect(values.map((value) => numberOption("x", value, 7, range))).toEqual(values);
  });

  test.each<[NumberRange, unknown, string]>([
    [{ min: 0 }, Number.NaN, "x must be a number of at least 0, or Infinity, not NaN"],
    [{ min: 0 }, -1, "x must be a number of at least 0, or Infinity, not -1"],
    [{ min: 0 }, "5", 'x must be a number of at least 0, or Infinity, not "5"'],
    [{ min: 0 }, 5n, "x must be a number of at least 0, or Infinity, not 5"],
    [
      { min: 1, integer: true },
      1.5,
      "x must be a whole number of at least 1, or Infinity, not 1.5",
    ],
    [
      { min: 0, max: Number.MAX_VALUE },
      Number.POSITIVE_INFINITY,
      "x must be a finite number of at least 0, not Infinity",
    ],
    [{ min: 0, max: 9, integer: true }, 10, "x must be a whole number from 0 to 9, not 10"],
  ])("with the range %j refuses %s", (range, value, message) => {
    const check = () => numberOption("x", value as number, 7, range);
    expect(check).toThrow(RangeError);
    expect(check).toThrow(message);
  });

  test.each([undefined, null])("returns the default for %s", (value) => {
    expect(numberOption("x", value as undefined, 7, { min: 0 })).toBe(7);
  });
});

describe("dateOption", () => {
  test("returns a valid date", () => {
    const date = new Date(0);
    expect(dateOption("at", date)).toBe(date);
  });

  test("returns the current time by default", () => {
    expect(dateOption("at", undefined).getTime()).toBeCloseTo(Date.now(), -3);
  });

  test.each([new Date(Number.NaN), 5, "2026-01-01", {}])("refuses %s", (value) => {
    const check = () => dateOption("at", value as Date);
    expect(check).toThrow(RangeError);
    expect(check).toThrow("at must be a valid Date, not ");
  });
});

test("setOptions removes what is not set, and whitespace around strings", () => {
  const options = {
    a: undefined,
    b: null,
    c: "",
    d: " \n",
    e: " x\n",
    f: 0,
    g: false,
    h: [],
    i: {},
  };
  expect(setOptions(options)).toEqual({ e: "x", f: 0, g: false, h: [], i: {} });
});
