import { getEventListeners, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test } from "vitest";
import { createRunnerClient as createNodeRunnerClient } from "../../src/client/node.ts";
import type { PollOptions } from "../../src/client/poll-runner.ts";
import { createRunnerClient, type RunnerClient } from "../../src/client/runner-client.ts";
import { type RunnerEvent, watchRunner } from "../../src/client/watch-runner.ts";
import {
  type Behavior,
  reset,
  respond,
  stall,
  startFailingServer,
} from "../support/failing-server.ts";
import { createFakeClock } from "../support/fake-clock.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const runnerIs = (status: object) => respond(200, { runner: { runnerId, status } });
const active = runnerIs({ phase: "RUNNER_PHASE_ACTIVE", updatedAt: "2026-01-01T00:00:00Z" });
const renewed = runnerIs({ phase: "RUNNER_PHASE_ACTIVE", updatedAt: "2026-01-01T00:00:30Z" });
const degraded = runnerIs({ phase: "RUNNER_PHASE_DEGRADED", updatedAt: "2026-01-01T00:00:30Z" });
const notFound = respond(404, { code: "not_found", message: "no such runner" });
const down = respond(503, { code: "unavailable", message: "down" });
const pageNotFound = respond(404, "404 page not found", { "Content-Type": "text/plain" });

async function watch(behaviors: Behavior[], options: PollOptions = {}) {
  const clock = createFakeClock(0.5);
  const server = await startFailingServer(behaviors, clock.now);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const client = createRunnerClient({ baseUrl: server.url, retry: false });
  return { server, clock, events: watchRunner(client, runnerId, { clock, ...options }) };
}

/** Returns all events, but at most `count`. */
async function take(events: AsyncIterable<RunnerEvent>, count = 20): Promise<RunnerEvent[]> {
  const taken: RunnerEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) {
      break;
    }
  }
  return taken;
}

describe("watchRunner", () => {
  test("yields the runner, then only its changes", async () => {
    const { events, server } = await watch([active, active, renewed, renewed, degraded, notFound]);
    const received = await take(events);
    expect(received).toMatchObject([
      { type: "runner", runner: { runnerId } },
      { type: "heartbeat", changes: [{ path: "status.updatedAt" }] },
      {
        type: "changed",
        changes: [
          { path: "status.phase", from: "RUNNER_PHASE_ACTIVE", to: "RUNNER_PHASE_DEGRADED" },
        ],
        previous: { status: { phase: 3 } },
        runner: { status: { phase: 6 } },
      },
      { type: "deleted", previous: { status: { phase: 6 } } },
    ]);
    expect(server.requests).toHaveLength(6);
  });

  test("yields transient errors and continues", async () => {
    const { events } = await watch([
      down,
      active,
      down,
      reset,
      pageNotFound,
      degraded,
      down,
      degraded,
    ]);
    expect(await take(events, 9)).toMatchObject([
      { type: "error", failures: 1, error: { rawMessage: "down" }, previous: undefined },
      { type: "runner" },
      { type: "error", failures: 1, previous: { runnerId } },
      { type: "error", failures: 2 },
      { type: "error", failures: 3 },
      { type: "recovered", failures: 3 },
      { type: "changed" },
      { type: "error", failures: 1 },
      { type: "recovered", failures: 1 },
    ]);
  });

  test.each([
    ["not_found", notFound],
    ["unauthenticated", respond(401, { code: "unauthenticated" })],
    ["permission_denied", respond(403, { code: "permission_denied" })],
    ["invalid_argument", respond(400, { code: "invalid_argument" })],
    ["unimplemented", pageNotFound],
  ])("throws the permanent error %s", async (code, behavior) => {
    const { events, server } = await watch([behavior]);
    await expect(take(events)).rejects.toThrow(`[${code}]`);
    expect(server.requests).toHaveLength(1);
  });

  test("throws when the token expires", async () => {
    const { events } = await watch([active, respond(401, { code: "unauthenticated" })]);
    await expect(take(events)).rejects.toThrow("[unauthenticated]");
  });

  test("treats a response without a runner as an error", async () => {
    const { events } = await watch([respond(200, {}), active]);
    expect(await take(events, 2)).toMatchObject([{ type: "error" }, { type: "runner" }]);
  });

  test.each([
    [0, 900],
    [0.5, 1000],
    [0.75, 1050],
  ])("waits for the interval with a jitter of 10 % (random number: %d)", async (random, wait) => {
    const clock = createFakeClock(random);
    const { events } = await watch([active, degraded, active], { clock, intervalMs: 1000 });
    await take(events, 3);
    expect(clock.sleeps).toEqual([wait, wait]);
  });

  test("measures the interval from the end of a call and never makes concurrent calls", async () => {
    let pending = 0;
    let maxPending = 0;
    const clock = createFakeClock(0.5);
    const slowly =
      (behavior: Behavior): Behavior =>
      async (response) => {
        maxPending = Math.max(maxPending, ++pending);
        // The response takes longer than the interval.
        await clock.sleep(8000, new AbortController().signal);
        pending--;
        behavior(response);
      };
    const { events } = await watch([slowly(active), slowly(degraded), slowly(notFound)], {
      clock,
    });
    await take(events);
    expect(maxPending).toBe(1);
    expect(clock.sleeps).toEqual([8000, 5000, 8000, 5000, 8000]);
  });

  test("treats a call timeout as an error", async () => {
    const { events } = await watch([stall, active], { callTimeoutMs: 50 });
    const { value } = await events.next();
    expect(value).toMatchObject({
      type: "error",
      error: { rawMessage: expect.stringMatching(/^the call to \S+ timed out after 50 ms$/) },
    });
    await events.return();
  });

  describe("is stopped", () => {
    test("by break", async () => {
      const { events, server } = await watch([active]);
      expect(await take(events, 1)).toHaveLength(1);
      expect(await events.next()).toEqual({ done: true, value: undefined });
      expect(server.requests).toHaveLength(1);
    });

    test("by return() before it starts", async () => {
      const { events, server } = await watch([active]);
      await events.return();
      expect(await events.next()).toEqual({ done: true, value: undefined });
      expect(server.requests).toHaveLength(0);
    });

    test.each(["return()", "the signal"])("by %s during a call", async (how) => {
      const caller = new AbortController();
      const called = Promise.withResolvers<void>();
      const { events } = await watch([() => called.resolve()], { signal: caller.signal });
      const next = events.next();
      await called.promise;
      await (how === "return()" ? events.return() : caller.abort());
      expect(await next).toEqual({ done: true, value: undefined });
    });

    test.each(["return()", "the signal"])("by %s between calls", async (how) => {
      const caller = new AbortController();
      // Uses the system clock: if the wait did not end, the test would not end either.
      const { events } = await watch([active], {
        clock: undefined,
        intervalMs: 3_600_000,
        signal: caller.signal,
      });
      await events.next();
      const next = events.next();
      await (how === "return()" ? events.return() : caller.abort());
      expect(await next).toEqual({ done: true, value: undefined });
    });

    test("by leaving the scope of `await using`", async () => {
      const { events } = await watch([active]);
      {
        await using scoped = events;
        await scoped.next();
      }
      expect(await events.next()).toEqual({ done: true, value: undefined });
    });
  });
});

describe.each([
  ["fetch", createRunnerClient],
  ["undici", createNodeRunnerClient],
])("an hour of watching with %s, while the server goes down and up", (_, createClient) => {
  const minute = 60_000;
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;

  test("leaks no memory, timers or sockets", async () => {
    const sockets = new Set<Socket>();
    const server = createServer((_, response) => {
      const updatedAt = new Date(Math.floor(clock.now() / 30_000) * 30_000).toISOString();
      renewals.add(updatedAt);
      runnerIs({ phase: "RUNNER_PHASE_ACTIVE", updatedAt })(response);
    });
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    onTestFinished(() => void server.close().closeAllConnections());

    // The server is down for two of every ten minutes.
    const renewals = new Set<string>();
    let maxSockets = 0;
    const clock = createFakeClock(0.5, async () => {
      maxSockets = Math.max(maxSockets, sockets.size);
      const isUp = (clock.now() - start) % (10 * minute) < 8 * minute;
      if (isUp && !server.listening) {
        server.listen(port, "127.0.0.1");
        await once(server, "listening");
      } else if (!isUp && server.listening) {
        server.close().closeAllConnections();
        await once(server, "close");
      }
    });
    const start = clock.now();

    const caller = new AbortController();
    let maxListeners = 0;
    const realClient = createClient({ baseUrl: `http://127.0.0.1:${port}`, retry: { clock } });
    const client: RunnerClient = {
      getRunner(request, callOptions) {
        const { signal } = callOptions ?? {};
        const listeners = signal === undefined ? [] : getEventListeners(signal, "abort");
        maxListeners = Math.max(maxListeners, listeners.length);
        return realClient.getRunner(request, callOptions);
      },
    };
    const counts: Record<string, number> = {};
    const runners: WeakRef<object>[] = [];
    const heap: number[] = [];
    const before = activeResources();
    for await (const event of watchRunner(client, runnerId, { clock, signal: caller.signal })) {
      counts[event.type] = (counts[event.type] ?? 0) + 1;
      if ("runner" in event) {
        runners.push(new WeakRef(event.runner));
      }
      if (clock.now() - start > (heap.length + 1) * 10 * minute) {
        collectGarbage();
        heap.push(process.memoryUsage().heapUsed);
      }
      if (clock.now() - start > 60 * minute && event.type === "heartbeat") {
        break;
      }
    }

    expect(counts).toMatchObject({ runner: 1, recovered: 6 });
    expect(counts.heartbeat).toBeGreaterThan(90);
    expect(counts.heartbeat).toBe(renewals.size - 1);
    expect(counts.error).toBeGreaterThan(30);
    expect(maxSockets).toBe(1);

    expect(maxListeners).toBeLessThanOrEqual(1);
    expect(getEventListeners(caller.signal, "abort")).toHaveLength(0);
    await expect
      .poll(
        () => {
          collectGarbage();
          return runners.filter((runner) => runner.deref() !== undefined).length;
        },
        { timeout: 10_000 },
      )
      .toBeLessThanOrEqual(3);
    const [first = 0] = heap;
    expect((heap.at(-1) ?? 0) - first).toBeLessThan(2_000_000);
    server.closeAllConnections();
    await expect
      .poll(() => activeResources().length, { timeout: 10_000 })
      .toBeLessThanOrEqual(before.length);
  }, 60_000);

  function activeResources() {
    return process
      .getActiveResourcesInfo()
      .filter((name) => /^(Timeout|TCPSocketWrap)$/.test(name));
  }
});
