import { expect, test } from "vitest";
import { quantile, ratios, summarise } from "../statistics.ts";

test("a summary has the median and both ends", () => {
  expect(summarise([5, 1, 10])).toEqual({ median: 5, min: 1, max: 10 });
  expect(summarise([4, 1, 2, 10]).median).toBe(3);
});

test("a quantile lies between the values next to it", () => {
  const values = Array.from({ length: 101 }, (_, index) => index * 10);
  expect(quantile(values, 0.99)).toBe(990);
  expect(quantile([0, 1], 0.99)).toBeCloseTo(0.99);
  expect(() => quantile([], 0.5)).toThrow("there are no values");
});

test("ratios are taken round by round", () => {
  expect(ratios([1, 9], [2, 3])).toEqual([0.5, 3]);
});
