import { expect, test } from "vitest";
import { memoize } from "../../../src/server/http/memoize.ts";

test("what was asked lately is not worked out again, and any number of questions is bounded", () => {
  const asked: number[] = [];
  const double = memoize((number: number) => {
    asked.push(number);
    return 2 * number;
  });

  expect([double(1), double(2), double(1), double(1)]).toEqual([2, 4, 2, 2]);
  expect(asked).toEqual([1, 2]);

  for (let number = 0; number < 200; number += 1) {
    expect(double(number)).toBe(2 * number);
  }
  asked.length = 0;
  expect(double(1)).toBe(2);
  expect(asked).toEqual([1]);
});
