import { describe, expect, test } from "vitest";
import { parseDuration, parseRunnerId } from "../../src/cli/arguments.ts";

describe("parseDuration", () => {
  test.each([
    ["500ms", 500],
    ["5s", 5000],
    ["1.5s", 1500],
    ["0.5ms", 1],
    ["2m", 120_000],
    ["2147483647ms", 2_147_483_647],
  ])("parses %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "5", "s", "-5s", "0s", "0.0001ms", "5 s", "5h", "5S", "1e3ms", ".5s", "5s "])(
    "rejects %j",
    (text) => {
      expect(() => parseDuration(text)).toThrow("with a unit, such as 500ms, 5s or 2m");
    },
  );

  test("rejects more than a timer supports, which would fire at once", () => {
    expect(() => parseDuration("2147483648ms")).toThrow("less than 25 days");
  });
});

describe("parseRunnerId", () => {
  const id = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

  test.each([id, id.toUpperCase()])("returns %s unchanged", (text) => {
    expect(parseRunnerId(text)).toBe(text);
  });

  test.each(["", "nope", `${id}0`, ` ${id}`, id.replaceAll("-", ""), `{${id}}`])(
    "rejects %j",
    (text) => {
      expect(() => parseRunnerId(text)).toThrow("It must be a UUID");
    },
  );
});
