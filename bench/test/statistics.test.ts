import { expect, test } from "vitest";
import { quantile, ratios, summarize } from "../statistics.ts";

test("a summary has the median, the minimum and the maximum", () => {
  expect(summarize([5, 1, 10])).toEqual({ median: 5, min: 1, max: 10 });
  expect(summarize([4, 1, 2, 10]).median).toBe(3);
});

test("quantile interpolates between adjacent values", () => {
  const values = Array.from({ length: 101 }, (_, index) => index * 10);
  expect(quantile(values, 0.99)).toBe(990);
  expect(quantile([0, 1], 0.99)).toBeCloseTo(0.99);
  expect(() => quantile([], 0.5)).toThrow("no values");
});

test("ratios pairs the values of each round", () => {
  expect(ratios([1, 9], [2, 3])).toEqual([0.5, 3]);
});
