import { connect } from "node:net";
import { expect, test } from "vitest";
import {
  createMemoryRunnerStore,
  createRunnerServer,
  defaultLimits,
  type RunnerServerOptions,
} from "../../src/server/index.ts";
import { post, startServer } from "../support/server.ts";

const never = [Number.NaN, "5", 5n, true, {}];

interface NumberOption {
  readonly name: string;
  readonly options: (value: never) => Partial<RunnerServerOptions>;
  readonly accepted: readonly number[];
  readonly refused: readonly number[];
}

const limitNames = Object.keys(defaultLimits) as (keyof typeof defaultLimits)[];
const numberOptions: NumberOption[] = [
  {
    name: "port",
    options: (port) => ({ port }),
    accepted: [0],
    refused: [-1, 0.5, 65_536, Number.POSITIVE_INFINITY],
  },
  ...limitNames.map((name) => ({
    name: `limits.${name}`,
    options: (value: number) => ({ limits: { [name]: value } }),
    accepted: [
      ...(name.startsWith("max") ? [10_000] : [1001, 2 ** 31, 1e300, Number.POSITIVE_INFINITY]),
      ...(name === "maxConnections" ? [Number.POSITIVE_INFINITY] : []),
    ],
    refused: [-1, 0, 1.5],
  })),
];

test.each(numberOptions)("$name accepts what it can mean", async ({ options, accepted }) => {
  for (const value of accepted) {
    const { url } = await startServer(options(value as never));
    expect((await post(url)).status).toBe(200);
  }
});

test.each(numberOptions)("$name refuses anything else", ({ name, options, refused }) => {
  for (const value of [...never, ...refused]) {
    const create = () =>
      createRunnerServer({ store: createMemoryRunnerStore([]), ...options(value as never) });
    expect(create, String(value)).toThrow(RangeError);
    expect(create).toThrow(`${name} must be a whole number `);
  }
});

test("a limit that is undefined means its default", async () => {
  const limits = Object.fromEntries(limitNames.map((name) => [name, undefined]));
  const { url } = await startServer({ limits: limits as object });
  expect((await post(url)).status).toBe(200);
});

test("the timeout of close refuses what is not a number", async () => {
  const server = await startServer();
  for (const timeoutMs of [...never, -1] as number[]) {
    await expect(server.close({ timeoutMs })).rejects.toThrow(RangeError);
    await expect(server.close({ timeoutMs })).rejects.toThrow("timeoutMs must be a number ");
  }
  expect((await post(server.url)).status).toBe(200);
});

test.each([Number.POSITIVE_INFINITY, 2 ** 31])(
  "close waits for open connections with a timeout of %d ms",
  async (timeoutMs) => {
    const server = await startServer();
    const socket = connect(server.port, "127.0.0.1");
    socket.write("POST /gitpod.v1.RunnerService/GetRunner HTTP/1.1\r\nHost: localhost\r\n");
    await new Promise((resolve) => setTimeout(resolve, 100));
    let isClosed = false;
    socket.on("close", () => {
      isClosed = true;
    });
    const closing = server.close({ timeoutMs });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isClosed).toBe(false);
    socket.destroy();
    await closing;
  },
);
