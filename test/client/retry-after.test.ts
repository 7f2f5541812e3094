import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRetryAfter } from "../../src/client/retry-after.ts";

const now = Date.UTC(2026, 0, 1);

describe("parseRetryAfter accepts", () => {
  test.each([
    ["0", 0],
    ["7", 7000],
    ["007", 7000],
    ["3600", 3_600_000],
    ["Thu, 01 Jan 2026 00:00:09 GMT", 9000],
    ["Wed, 31 Dec 2025 23:59:59 GMT", 0],
    ["Thursday, 01-Jan-26 00:00:09 GMT", 9000],
    ["Saturday, 01-Jan-00 00:00:00 GMT", 0],
    ["Thu Jan  1 00:00:09 2026", 9000],
    ["Sun Jan 11 00:00:00 2026", 864_000_000],
  ])("%j", (value, delay) => {
    expect(parseRetryAfter(value, now)).toBe(delay);
  });

  test("two-digit years up to 50 years from now, and otherwise of the past", () => {
    expect(parseRetryAfter("Wednesday, 01-Jan-76 00:00:00 GMT", now)).toBe(
      Date.UTC(2076, 0, 1) - now,
    );
    // January 1, 1977 is a Saturday, and January 1, 2077 is a Friday.
    expect(parseRetryAfter("Saturday, 01-Jan-77 00:00:00 GMT", now)).toBe(0);
    expect(parseRetryAfter("Friday, 01-Jan-77 00:00:00 GMT", now)).toBeUndefined();
  });

  test("every date in each of the three forms", () => {
    const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 49 * 365 * 86_400 }), (seconds) => {
        const date = new Date(now + seconds * 1000);
        const imfFixdate = date.toUTCString();
        const [, day = "", month, year = "", time] = imfFixdate.split(" ");
        const weekday = days[date.getUTCDay()] ?? "";
        const asctimeDay = day.replace(/^0/, " ");
        for (const form of [
          imfFixdate,
          `${weekday}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
          `${weekday.slice(0, 3)} ${month} ${asctimeDay} ${time} ${year}`,
        ]) {
          expect(parseRetryAfter(form, now)).toBe(seconds * 1000);
        }
      }),
    );
  });
});

test.each([
  "",
  " ",
  "1.5",
  "-1",
  "+1",
  "1e3",
  "0x10",
  "1 second",
  "1, 2",
  "Infinity",
  "soon",
  "2026-01-01",
  "2026-01-01T00:00:09Z",
  "01 Jan 2026",
  "Thu, 1 Jan 2026 00:00:09 GMT",
  "Thu, 01 Jan 2026 00:00:09",
  "Thu, 01 Jan 2026 00:00:09 UTC",
  "Thu, 01 Jan 2026 00:00:09 +0000",
  "Thu, 01 Jan 2026 00:00:09 PST",
  "Fri, 01 Jan 2026 00:00:09 GMT",
  "thu, 01 jan 2026 00:00:09 gmt",
  "Sun, 29 Feb 2026 00:00:00 GMT",
  "Thu, 01 Jan 2026 24:00:00 GMT",
  "Thu, 01 Jan 26 00:00:09 GMT",
  "Thu 01-Jan-26 00:00:09 GMT",
  "Thu, 01-Jan-26 00:00:09 GMT",
  "Thu Jan 1 00:00:09 2026",
  "Thu Jan 01 00:00:09 2026 GMT",
])("parseRetryAfter ignores %j", (value) => {
  expect(parseRetryAfter(value, now)).toBeUndefined();
});
