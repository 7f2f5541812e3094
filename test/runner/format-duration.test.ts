import { expect, test } from "vitest";
import { formatDuration } from "../../src/runner/format-duration.ts";

test.each([
  [0, "0 ms"],
  [4.7, "4 ms"],
  [999, "999 ms"],
  [1000, "1 s"],
  [90_000, "90 s"],
  [119_999, "119 s"],
  [120_000, "2 min"],
  [7_199_999, "119 min"],
  [7_200_000, "2 h"],
  [172_799_999, "47 h"],
  [172_800_000, "2 d"],
  [1e11, "1157 d"],
])("formats %s ms as %s", (ms, expected) => {
  expect(formatDuration(ms)).toBe(expected);
});
