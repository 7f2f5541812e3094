import { create } from "@bufbuild/protobuf";
import { Code, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { RunnerPhase, RunnerSchema, RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createRunnerClient as createNodeRunnerClient } from "../../src/client/node.ts";
import {
  createRunnerClient,
  createRunnerClientFromEnv,
  type RunnerClientOptions,
} from "../../src/client/runner-client.ts";
import { waitForRunner } from "../../src/client/wait-for-runner.ts";
import { watchRunner } from "../../src/client/watch-runner.ts";
import { heartbeatAgeMs } from "../../src/runner/heartbeat.ts";
import { runnerHealth } from "../../src/runner/runner-health.ts";
import { updateWindowState } from "../../src/runner/update-window.ts";
import { errorOf } from "../support/error-of.ts";
import { respond, startFailingServer } from "../support/failing-server.ts";
import { createFakeClock } from "../support/fake-clock.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const ok = respond(200, { runner: { runnerId, name: "one" } });
const runner = create(RunnerSchema, { status: { phase: RunnerPhase.ACTIVE } });

async function serve(...behaviors: Parameters<typeof startFailingServer>[0]) {
  const server = await startFailingServer(behaviors);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

describe("every option that takes a number", () => {
  const client = createRunnerClient({
    transport: createRouterTransport(({ service }) => {
      service(RunnerService, { getRunner: () => ({ runner: { runnerId } }) });
    }),
  });
  const watch = (options: object) => watchRunner(client, runnerId, options).return();
  const wait = (options: object) =>
    waitForRunner(client, runnerId, () => true, { clock: createFakeClock(), ...options });
  const never = [Number.NaN, "5", 5n, true, {}];

  interface NumberOption {
    readonly name: string;
    readonly use: (value: never) => unknown;
    readonly accepted: readonly unknown[];
    readonly refused: readonly unknown[];
  }
  const timeouts = [0, 0.5, 2 ** 31, 1e300, Number.POSITIVE_INFINITY];
  const options: NumberOption[] = [
    ...[createRunnerClient, createNodeRunnerClient].flatMap((createClient) => [
      {
        name: "timeoutMs",
        use: (timeoutMs: number) => createClient({ timeoutMs }),
        accepted: timeouts,
        refused: [-1, Number.NEGATIVE_INFINITY],
      },
      {
        name: "retry.maxAttempts",
        use: (maxAttempts: number) => createClient({ retry: { maxAttempts } }),
        accepted: [1, 100, Number.POSITIVE_INFINITY],
        refused: [-1, 0, 1.5],
      },
      {
        name: "retry.initialDelayMs",
        use: (initialDelayMs: number) => createClient({ retry: { initialDelayMs } }),
        accepted: [0, 0.5, 2 ** 31 - 1],
        refused: [-1, 2 ** 31, Number.POSITIVE_INFINITY],
      },
      {
        name: "retry.maxDelayMs",
        use: (maxDelayMs: number) => createClient({ retry: { maxDelayMs } }),
        accepted: timeouts,
        refused: [-1],
      },
    ]),
    {
      name: "intervalMs",
      use: (intervalMs: number) => watch({ intervalMs }),
      accepted: [0, 0.5, 2 ** 31, 1e300],
      refused: [-1, Number.POSITIVE_INFINITY],
    },
    {
      name: "intervalMs",
      use: (intervalMs: number) => wait({ intervalMs }),
      accepted: [0, 0.5, 2 ** 31, 1e300],
      refused: [-1, Number.POSITIVE_INFINITY],
    },
    {
      name: "callTimeoutMs",
      use: (callTimeoutMs: number) => watch({ callTimeoutMs }),
      accepted: timeouts,
      refused: [-1],
    },
    {
      name: "callTimeoutMs",
      use: (callTimeoutMs: number) => wait({ callTimeoutMs }),
      accepted: [0, 10_000, 2 ** 31, Number.POSITIVE_INFINITY],
      refused: [-1],
    },
    {
      name: "timeoutMs",
      use: (timeoutMs: number) => wait({ timeoutMs }),
      accepted: [0, 10_000, 2 ** 31, Number.POSITIVE_INFINITY],
      refused: [-1],
    },
    {
      name: "heartbeatLimitMs",
      use: (heartbeatLimitMs: number) => runnerHealth(runner, { heartbeatLimitMs }),
      accepted: timeouts,
      refused: [-1],
    },
  ];

  test.each(options)("$name accepts what it can mean", async ({ use, accepted }) => {
    for (const value of [...accepted, undefined, null]) {
      await use(value as never);
    }
  });

  test.each(options)("$name refuses anything else", async ({ name, use, refused }) => {
    for (const value of [...never, ...refused]) {
      const error = await (async () => use(value as never))().catch((reason: unknown) => reason);
      expect(error, String(value)).toBeInstanceOf(RangeError);
      expect((error as Error).message).toMatch(new RegExp(`^${name} must be .+, not `));
    }
  });

  test("the timeoutMs of a call refuses what is not a number", async () => {
    for (const timeoutMs of never as number[]) {
      const error = await errorOf(client.getRunner({ runnerId }, { timeoutMs }));
      expect(error.code).toBe(Code.InvalidArgument);
      expect(error.rawMessage).toMatch(
        /^timeoutMs must be a number of at least 0, or Infinity, not /,
      );
    }
    // As in Connect, 0 or less means no timeout.
    for (const timeoutMs of [...timeouts.slice(2), 0, -1, Number.NEGATIVE_INFINITY]) {
      await client.getRunner({ runnerId }, { timeoutMs });
    }
  });
});

test.each([
  ["heartbeatAgeMs", (at: Date) => heartbeatAgeMs(runner, at)],
  ["runnerHealth", (at: Date) => runnerHealth(runner, { at })],
  ["updateWindowState", (at: Date) => updateWindowState(undefined, at)],
])("%s refuses an invalid date", (_, use) => {
  for (const at of [new Date(Number.NaN), new Date("soon"), Date.now(), "2026-01-01"]) {
    expect(() => use(at as Date)).toThrow(RangeError);
    expect(() => use(at as Date)).toThrow("at must be a valid Date, not ");
  }
  use(new Date(0));
});

describe("a time that is longer than a timer takes", () => {
  const month = 30 * 86_400_000;
  const slowly = (response: Parameters<typeof ok>[0]) => void setTimeout(() => ok(response), 50);

  test.each([2 ** 31, month, 1e300, Number.POSITIVE_INFINITY])(
    "does not time out as the timeout of a call: %d ms",
    async (timeoutMs) => {
      const server = await serve(slowly);
      for (const createClient of [createRunnerClient, createNodeRunnerClient]) {
        await createClient({ baseUrl: server.url, timeoutMs }).getRunner({ runnerId });
        await createClient({ baseUrl: server.url }).getRunner({ runnerId }, { timeoutMs });
      }
      // Servers have the same timers.
      for (const { headers } of server.requests) {
        expect(headers).not.toHaveProperty("connect-timeout-ms");
      }
    },
  );

  test.each([month, 1e300])(
    "does not poll in a loop as the interval: %d ms",
    async (intervalMs) => {
      const server = await serve(ok);
      const events = watchRunner(createRunnerClient({ baseUrl: server.url }), runnerId, {
        intervalMs,
      });
      await events.next();
      const next = events.next();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(server.requests).toHaveLength(1);
      await events.return();
      await next;
    },
  );

  test.each([month, Number.POSITIVE_INFINITY])(
    "does not end a wait at once: %d ms",
    async (timeoutMs) => {
      const server = await serve(respond(200, { runner: {} }), ok);
      const client = createRunnerClient({ baseUrl: server.url });
      const hasName = waitForRunner(client, runnerId, (runner) => runner?.name === "one", {
        timeoutMs,
        callTimeoutMs: timeoutMs,
        intervalMs: 1,
      });
      expect((await hasName)?.name).toBe("one");
    },
  );
});

test("a timeout is sent in whole milliseconds, and is never sent as 0", async () => {
  const server = await serve(ok);
  const client = createRunnerClient({ baseUrl: server.url, timeoutMs: 60_000.5 });
  await client.getRunner({ runnerId });
  expect(server.requests[0]?.headers["connect-timeout-ms"]).toBe("60001");
});

test("retries continue until the timeout of the call with maxAttempts: Infinity", async () => {
  const server = await serve(respond(503, { code: "unavailable", message: "down" }));
  const clock = createFakeClock();
  const retry = { clock, maxAttempts: Number.POSITIVE_INFINITY, initialDelayMs: 0 };
  const client = createRunnerClient({
    baseUrl: server.url,
    // Many more attempts than 2 ** 1024 can count.
    retry: { ...retry, clock: { ...clock, random: () => 1 } },
    timeoutMs: 3000,
  });
  const error = await errorOf(client.getRunner({ runnerId }));
  expect(error.code).toBe(Code.DeadlineExceeded);
  expect(new Set(clock.sleeps)).toEqual(new Set([0]));
  expect(clock.sleeps.length).toBeGreaterThan(100);
});

test("an own delay may be longer than a Retry-After", async () => {
  const server = await serve(respond(503, { code: "unavailable", message: "down" }), ok);
  const clock = createFakeClock();
  const retry = { clock, initialDelayMs: 120_000, maxDelayMs: 120_000 };
  await createRunnerClient({ baseUrl: server.url, retry }).getRunner({ runnerId });
  expect(clock.sleeps).toEqual([120_000]);
});

test("a call timeout of 0 does not end the polling", async () => {
  const server = await serve(ok);
  const events = watchRunner(createRunnerClient({ baseUrl: server.url }), runnerId, {
    callTimeoutMs: 0,
  });
  expect((await events.next()).value).toMatchObject({ type: "runner" });
  await events.return();
});

test("a wait with a timeout of 0 checks the condition once", async () => {
  const server = await serve(ok);
  const client = createRunnerClient({ baseUrl: server.url });
  expect(await waitForRunner(client, runnerId, () => true, { timeoutMs: 0 })).toMatchObject({});
  const waiting = waitForRunner(client, runnerId, () => false, { timeoutMs: 0 });
  await expect(waiting).rejects.toThrow("did not meet the condition: ");
  expect(server.requests).toHaveLength(2);
});

describe("an option that is not set means its default:", () => {
  /** Makes a call and returns the request as the server received it. */
  async function requestWith(options: object) {
    const server = await serve(ok);
    await createRunnerClient({ baseUrl: server.url, ...options }).getRunner({ runnerId });
    const [request] = server.requests;
    const { host, ...headers } = request?.headers ?? {};
    return { ...request, at: 0, headers };
  }

  const unset = [undefined, null, ""];
  const options: (keyof RunnerClientOptions)[] = [
    "token",
    "allowCleartextToken",
    "headers",
    "interceptors",
    "transport",
    "useBinaryFormat",
    "useHttpGet",
  ];
  test.each(options.flatMap((name) => unset.map((value) => [name, value] as const)))(
    "%s: %j",
    async (name, value) => {
      expect(await requestWith({ [name]: value })).toEqual(await requestWith({}));
    },
  );

  test.each([...unset, " ", "\n"])("baseUrl: %j", async (baseUrl) => {
    const client = createRunnerClient({
      baseUrl: baseUrl as string,
      interceptors: [
        () => async (request) => {
          throw new Error(request.url);
        },
      ],
    });
    const { rawMessage } = await errorOf(client.getRunner({ runnerId }));
    expect(rawMessage).toBe("https://app.ona.com/api/gitpod.v1.RunnerService/GetRunner");
  });

  test.each([undefined, null])("timeoutMs and retry, and what is in it: %j", async (value) => {
    const retry = { maxAttempts: value, initialDelayMs: value, maxDelayMs: value };
    for (const options of [{ timeoutMs: value }, { retry: value }, { retry }]) {
      expect(await requestWith(options)).toEqual(await requestWith({}));
    }
  });

  test("a header of an object", async () => {
    const headers = { "X-A": undefined, "X-B": null, "X-C": "", Authorization: undefined };
    const server = await serve(ok);
    const callOptions = { headers: headers as unknown as HeadersInit };
    const client = createRunnerClient({ baseUrl: server.url, ...callOptions });
    await client.getRunner({ runnerId }, callOptions);
    const received = server.requests[0]?.headers ?? {};
    // An empty header is a header.
    expect(received).toMatchObject({ "x-c": "" });
    expect(Object.keys(received)).not.toEqual(expect.arrayContaining(["x-a"]));
    expect(Object.keys(received)).not.toEqual(expect.arrayContaining(["x-b"]));
    expect(received.authorization).toBeUndefined();
    // It is not sent, so it is safe.
    createRunnerClient({ baseUrl: "http://runners.example.com", ...callOptions });
  });

  test.each(["ONA_API_KEY", "GITPOD_API_KEY", "ONA_BASE_URL", "GITPOD_BASE_URL"])(
    "the variable %s",
    async (name) => {
      for (const value of [undefined, "", " ", "\n"]) {
        const server = await serve(ok);
        const env = { [name]: value };
        await createRunnerClientFromEnv(
          { ...(name.endsWith("KEY") && { baseUrl: server.url }) },
          name.endsWith("KEY") ? env : { ...env, [other(name)]: server.url },
        ).getRunner({ runnerId });
        expect(server.requests).toHaveLength(1);
        expect(server.requests[0]?.headers.authorization).toBeUndefined();
      }
    },
  );

  /** Returns the other variable with the same meaning. */
  function other(name: string): string {
    return name.startsWith("ONA") ? name.replace("ONA", "GITPOD") : name.replace("GITPOD", "ONA");
  }

  test("an option takes precedence over a variable only if it is set", async () => {
    const server = await serve(ok);
    const env = { ONA_API_KEY: "from-env", ONA_BASE_URL: server.url };
    for (const value of ["", " ", undefined]) {
      await createRunnerClientFromEnv({ token: value, baseUrl: value }, env).getRunner({
        runnerId,
      });
    }
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer from-env",
      "Bearer from-env",
      "Bearer from-env",
    ]);
  });

  test.each([undefined, null])(
    "the options of waitForRunner, watchRunner and runnerHealth",
    async (value) => {
      const server = await serve(ok);
      const client = createRunnerClient({ baseUrl: server.url });
      const options = {
        intervalMs: value,
        callTimeoutMs: value,
        timeoutMs: value,
        signal: value,
        clock: value,
        onProgress: value,
      } as object;
      await waitForRunner(client, runnerId, () => true, options);
      const events = watchRunner(client, runnerId, options);
      expect((await events.next()).value).toMatchObject({ type: "runner" });
      await events.return();
      const healthOptions = { at: value, heartbeatLimitMs: value } as object;
      expect(runnerHealth(runner, healthOptions)).toEqual(runnerHealth(runner));
    },
  );
});

describe("whitespace around a value is removed:", () => {
  test.each([" tok", "tok\n", "\r\ntok\t"])("the token %j", async (token) => {
    const server = await serve(ok);
    const baseUrl = server.url;
    await createRunnerClient({ baseUrl, token }).getRunner({ runnerId });
    await createRunnerClient({ baseUrl, token: async () => token }).getRunner({ runnerId });
    await createRunnerClientFromEnv({ baseUrl }, { ONA_API_KEY: token }).getRunner({ runnerId });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer tok",
      "Bearer tok",
      "Bearer tok",
    ]);
  });

  test("the base URL, which may also be in upper case and end with slashes", async () => {
    const server = await serve(ok);
    const { port } = new URL(server.url);
    for (const baseUrl of [` ${server.url}\n`, `${server.url}//`, `HTTP://LocalHost:${port}/`]) {
      await createRunnerClient({ baseUrl }).getRunner({ runnerId });
      await createNodeRunnerClient({ baseUrl }).getRunner({ runnerId });
      await createRunnerClientFromEnv({}, { ONA_BASE_URL: baseUrl }).getRunner({ runnerId });
    }
    const paths = server.requests.map(({ url }) => url);
    expect(new Set(paths)).toEqual(new Set(["/gitpod.v1.RunnerService/GetRunner"]));
  });
});
