import { expect, test } from "vitest";
import { formatTime } from "../../../src/cli/output/format-time.ts";

const at = new Date("2026-11-23T08:00:00Z");

test.each([
  ["2026-11-23T07:59:48Z", "12 s ago (2026-11-23T07:59:48Z)"],
  ["2026-11-23T07:59:47.500Z", "12 s ago (2026-11-23T07:59:47.500Z)"],
  ["2026-11-23T08:00:00Z", "just now (2026-11-23T08:00:00Z)"],
  ["2026-11-23T08:00:00.999Z", "in 999 ms (2026-11-23T08:00:00.999Z)"],
  ["2026-11-23T07:59:59.001Z", "just now (2026-11-23T07:59:59.001Z)"],
  ["2026-11-23T10:30:00Z", "in 2 h (2026-11-23T10:30:00Z)"],
  ["2019-12-27T18:11:19.117Z", "2522 d ago (2019-12-27T18:11:19.117Z)"],
])("formats %s as %s", (time, text) => {
  expect(formatTime(new Date(time), at)).toBe(text);
});
