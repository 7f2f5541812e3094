import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { formatYaml } from "../../../src/cli/output/format-yaml.ts";

test("quotes only strings that need escapes", () => {
  const value = {
    plain: "text",
    lines: "a\nb\n",
    "\u202e": ["\x9b", "a\tb", "\u{e0041}", "\ud800"],
  };
  expect(formatYaml(value)).toBe(
    `plain: text
lines: |
  a
  b
"\\u202e":
  - "\\u009b"
  - "a\\tb"
  - "\\U000e0041"
  - "\\ud800"
`,
  );
});

test("keeps the value, and never prints a character that a terminal could obey", () => {
  const unsafe = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      const json = JSON.parse(JSON.stringify(value));
      const yaml = formatYaml(json);
      expect(yaml.replaceAll("\n", "")).not.toMatch(unsafe);
      expect(parse(yaml)).toEqual(json);
    }),
    { numRuns: 200 },
  );
}, 30_000);
