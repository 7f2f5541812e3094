import { expect, test } from "vitest";
import { runBenchmark } from "../benchmark.ts";
import { formatComparisons } from "../table.ts";

test("alternates the subjects, skips the warm-up rounds and shows a missed goal", async () => {
  const order: string[] = [];
  const subject = (name: string, values: number[]) => async () => {
    order.push(name);
    return { value: values.shift() ?? Number.NaN, cpu: { server: 0.5, load: 0.1 } };
  };
  const result = await runBenchmark({
    what: "calls",
    unit: { name: "calls/s", digits: 0 },
    subject: "server",
    rounds: 3,
    subjects: {
      ours: subject("ours", [1, 1, 1, 1, 10, 20, 30]),
      limit: subject("limit", [1, 1, 1, 1, 20, 20, 20]),
    },
    comparisons: [
      { of: "ours", against: "limit", goal: { atLeast: 1 } },
      { of: "ours", goal: { atLeast: 21 } },
    ],
  });
  const orders = ["limit ours", "ours limit"];
  expect(order.join(" ")).toBe([...orders, ...orders, ...orders, "limit ours"].join(" "));
  const [, , ratio, absolute] = formatComparisons([result]).split("\n");
  expect(ratio).toBe(
    "| calls | ours | 20 calls/s | limit | 20 calls/s | 1.00 × (0.50–1.50) | 1.00 × (0.50–1.50) | ≥ 1 × | met |",
  );
  expect(absolute).toBe("| calls | ours | 20 calls/s |  |  |  |  | ≥ 21 calls/s | **missed** |");
});
