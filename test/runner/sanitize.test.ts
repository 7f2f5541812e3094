import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sanitize, sanitizeJson } from "../../src/runner/sanitize.ts";

const replaced = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;
const anyText = fc.string({ unit: "binary" });

describe("sanitize", () => {
  test.each([
    ["escape sequences", "\x1b[2J\x1b]0;title\x07\x9b1m", "\ufffd[2J\ufffd]0;title\ufffd\ufffd1m"],
    ["DEL and NEL", "a\x7fb\x85c", "a\ufffdb\ufffdc"],
    [
      "bidi controls",
      "\u202egnp.\u2066exe\u2069\u200f\u061c",
      "\ufffdgnp.\ufffdexe\ufffd\ufffd\ufffd",
    ],
    ["line separators", "a\u2028b\u2029c", "a\ufffdb\ufffdc"],
    ["invisible characters", "a\u200bd\u00admin\ufeff", "a\ufffdd\ufffdmin\ufffd"],
    ["tags", "a\u{e0062}\u{e007f}", "a\ufffd\ufffd"],
    ["unpaired surrogates", "\ud83d!\ude00", "\ufffd!\ufffd"],
    [
      "joiners and selectors without effect",
      "ad\u200dmin\u200c \ufe0fx",
      "ad\ufffdmin\ufffd \ufffdx",
    ],
  ])("makes %s visible", (_, text, expected) => {
    expect(sanitize(text)).toBe(expected);
  });

  test("makes a single line of text with line breaks, and keeps all other spaces", () => {
    expect(sanitize("\n a\r\nb\tc  d \n")).toBe("a b c  d");
  });

  test.each([
    "Grüße, Ærø, Ελλάδα, Россия",
    "日本語 한국어 ไทย",
    "👨‍👩‍👧 ❤️‍🔥 1️⃣ ⚠️ 👩🏽‍🚀 🇩🇪",
    "می‌خواهم",
    "क्‍ष",
    "葛\u{e0100}",
    "e\u0301 \u0600",
  ])("keeps %s", (text) => {
    expect(sanitize(text)).toBe(text);
    expect(sanitizeJson(JSON.stringify(text))).toBe(JSON.stringify(text));
  });

  test("never returns a character that a terminal could obey", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(sanitize(text)).not.toMatch(replaced);
      }),
    );
  });

  test("takes linear time", () => {
    const startedAt = performance.now();
    for (const part of [" ", "\n", "\t ", "\u200d", "\ufe0f", "\x1b", "a\u0301"]) {
      sanitize(part.repeat(300_000));
    }
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});

describe("sanitizeJson", () => {
  test("escapes what is not safe, in strings and in names", () => {
    const json = JSON.stringify({ "\x9b": "\u202e\u{e0041}\x7f\x1b\n" }, null, 2);
    expect(sanitizeJson(json)).toBe('{\n  "\\u009b": "\\u202e\\udb40\\udc41\\u007f\\u001b\\n"\n}');
  });

  test("keeps the value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const json = sanitizeJson(JSON.stringify(value, null, 2));
        expect(json.replaceAll("\n", "")).not.toMatch(replaced);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
