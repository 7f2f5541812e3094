import { expect, test } from "vitest";
import { memoize } from "../../../src/server/http/memoize.ts";

test("caches recent results, and bounds the size of the cache", () => {
  const computed: number[] = [];
  const double = memoize((number: number) => {
    computed.push(number);
    return 2 * number;
  });

  expect([double(1), double(2), double(1), double(1)]).toEqual([2, 4, 2, 2]);
  expect(computed).toEqual([1, 2]);

  for (let number = 0; number < 200; number += 1) {
    expect(double(number)).toBe(2 * number);
  }
  computed.length = 0;
  expect(double(1)).toBe(2);
  expect(computed).toEqual([1]);
});
