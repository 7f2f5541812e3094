import { expect, test } from "vitest";
import * as portable from "../src/index.ts";
import * as forNode from "../src/node.ts";

test("runner-service/node exports what runner-service does, except how clients are created", () => {
  const { createRunnerClient, createRunnerClientFromEnv, ...others } = forNode;
  expect({ ...portable }).toEqual({
    ...others,
    createRunnerClient: expect.any(Function),
    createRunnerClientFromEnv: expect.any(Function),
  });
  expect(createRunnerClient).not.toBe(portable.createRunnerClient);
  expect(createRunnerClientFromEnv).not.toBe(portable.createRunnerClientFromEnv);
});
