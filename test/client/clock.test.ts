import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/client/clock.ts";
import { createRunnerClient } from "../../src/client/runner-client.ts";
import { startTimer } from "../../src/client/timer.ts";
import { waitForRunner } from "../../src/client/wait-for-runner.ts";
import { watchRunner } from "../../src/client/watch-runner.ts";
import { type Behavior, respond, startFailingServer } from "../support/failing-server.ts";
import { createFakeClock } from "../support/fake-clock.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const ok = respond(200, { runner: { runnerId } });
const down = respond(503, { code: "unavailable", message: "down" });

async function serve(...behaviors: Behavior[]) {
  const server = await startFailingServer(behaviors);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

afterEach(() => {
  vi.useRealTimers();
});

const minute = 60_000;

describe.each([minute, -minute, 365 * 24 * 60 * minute])("if the clock is set by %d ms", (jump) => {
  test("a wait lasts as long as its timeout", async () => {
    const server = await serve(ok);
    const clock = createFakeClock(0.5, () => clock.jump(jump));
    const waiting = waitForRunner(
      createRunnerClient({ baseUrl: server.url }),
      runnerId,
      () => false,
      {
        clock,
        timeoutMs: 12_000,
        intervalMs: 4000,
      },
    );
    await expect(waiting).rejects.toThrow("within 12 s: last seen 4 s ago");
    expect(server.requests).toHaveLength(3);
  });

  test("a wait lasts as long as its timeout by the system clock", async () => {
    const server = await serve(ok);
    const start = performance.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    const waiting = waitForRunner(
      createRunnerClient({ baseUrl: server.url }),
      runnerId,
      () => false,
      {
        timeoutMs: 1000,
        intervalMs: 50,
        onProgress: () => vi.setSystemTime(Date.now() + jump),
      },
    );
    await expect(waiting).rejects.toThrow("within 1 s: last seen 0");
    expect(performance.now() - start).toBeGreaterThan(990);
    expect(performance.now() - start).toBeLessThan(4000);
    expect(server.requests.length).toBeGreaterThan(2);
  });

  test("the interval of a watch stays the same", async () => {
    const server = await serve(ok, down, ok);
    const clock = createFakeClock(0.5, () => clock.jump(jump));
    const client = createRunnerClient({ baseUrl: server.url, retry: false });
    const events = watchRunner(client, runnerId, { clock });
    await events.next();
    await events.next();
    await events.next();
    expect(clock.sleeps).toEqual([5000, 5000]);
    await events.return();
  });

  test("the retries of a call last as long as its timeout", async () => {
    const server = await serve(down);
    const clock = createFakeClock(1, () => clock.jump(jump));
    const client = createRunnerClient({ baseUrl: server.url, retry: { clock }, timeoutMs: 1000 });
    await expect(client.getRunner({ runnerId })).rejects.toThrow("(3 attempts)");
    expect(server.requests.map(({ headers }) => headers["connect-timeout-ms"])).toEqual([
      "1000",
      "800",
      "400",
    ]);
  });
});

test("a wait does not end with a call that has no time left, although timers end early", async () => {
  const server = await serve(ok);
  const client = createRunnerClient({ baseUrl: server.url });
  const waits = Array.from({ length: 100 }, async (_, n) => {
    const waiting = waitForRunner(client, runnerId, () => false, { timeoutMs: 300 + n / 7 });
    const error = await waiting.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "WaitTimeoutError", cause: undefined });
  });
  await Promise.all(waits);
  expect(server.requests).toHaveLength(100);
});

test("a Retry-After date is compared with the time of the day", async () => {
  const retryAfter = { "Retry-After": "Thu, 01 Jan 2026 00:01:09 GMT" };
  const server = await serve(respond(503, { code: "unavailable" }, retryAfter), ok);
  const clock = createFakeClock();
  clock.jump(minute);
  const client = createRunnerClient({ baseUrl: server.url, retry: { clock } });
  await client.getRunner({ runnerId });
  expect(clock.sleeps).toEqual([9000]);
});

test("the monotonic time of the system clock passes, and does not follow the clock", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const start = systemClock.monotonicNow();
  vi.setSystemTime(Date.now() + minute);
  await systemClock.sleep(20, new AbortController().signal);
  expect(systemClock.monotonicNow() - start).toBeGreaterThan(15);
  expect(systemClock.monotonicNow() - start).toBeLessThan(2000);
});

describe("startTimer", () => {
  const day = 24 * 60 * minute;

  test.each([0, 1, 2 ** 31 - 1, 2 ** 31, 60 * day, 400.5 * day])("ends after %d ms", (ms) => {
    vi.useFakeTimers();
    const onEnd = vi.fn();
    startTimer(ms, onEnd);
    vi.advanceTimersByTime(Math.max(0, ms - 1));
    expect(onEnd).toHaveBeenCalledTimes(ms === 0 ? 1 : 0);
    vi.advanceTimersByTime(1);
    expect(onEnd).toHaveBeenCalledTimes(1);
  });

  test("never ends after Infinity", () => {
    vi.useFakeTimers();
    const onEnd = vi.fn();
    startTimer(Number.POSITIVE_INFINITY, onEnd);
    vi.advanceTimersByTime(365 * day);
    expect(onEnd).not.toHaveBeenCalled();
  });

  test.each([1, 30 * day])(
    "can be canceled before %d ms have passed, in each of its parts",
    (ms) => {
      vi.useFakeTimers();
      const onEnd = vi.fn();
      const cancel = startTimer(ms, onEnd);
      vi.advanceTimersByTime(ms - 1);
      cancel();
      vi.advanceTimersByTime(365 * day);
      expect(onEnd).not.toHaveBeenCalled();
      expect(vi.getTimerCount()).toBe(0);
    },
  );
});
