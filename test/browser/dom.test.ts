import { once } from "node:events";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createRunnerClient, watchRunner } from "../../src/index.ts";
import { errorOf } from "../support/error-of.ts";
import { type Behavior, respond, stall, startFailingServer } from "../support/failing-server.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const cors = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "*, Authorization",
};
const preflight = respond(204, "", cors);
const ok = respond(200, { runner: { runnerId, name: "one" } }, cors);

async function serve(behavior: Behavior) {
  const server = await startFailingServer([
    (response) => (response.req.method === "OPTIONS" ? preflight : behavior)(response),
  ]);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** Sets the globals of a DOM, as test runners and packages such as global-jsdom do. */
function stubGlobals(window: object, names: readonly string[]) {
  for (const name of names) {
    const value = (window as Record<string, unknown>)[name];
    expect(value, name).toBeDefined();
    // Bound functions, because fetch needs its window.
    vi.stubGlobal(name, name === "fetch" ? (value as typeof fetch).bind(window) : value);
  }
}

const domClasses = ["AbortController", "AbortSignal", "Headers", "Event", "EventTarget"];

const environments = {
  async jsdom() {
    // Node's fetch takes its classes from the globals when it is loaded: before the DOM is set up.
    new Headers();
    // The package has no types.
    const { JSDOM } = await import("jsdom" as string);
    const { window } = new JSDOM("", { url: "http://localhost:3000/" });
    stubGlobals(window, [...domClasses, "location", "DOMException", "Blob"]);
  },
  async "happy-dom"() {
    const { Window } = await import("happy-dom");
    const window = new Window({ url: "http://localhost:3000/" });
    onTestFinished(() => window.happyDOM.close());
    stubGlobals(window, [...domClasses, "location", "fetch", "Request", "Response"]);
  },
};

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each(Object.entries(environments))("with the globals of %s", (_, setUp) => {
  test("a call succeeds", async () => {
    await setUp();
    const { url } = await serve(ok);
    const client = createRunnerClient({ baseUrl: url, retry: false, token: "tok" });
    const { signal } = new AbortController();
    const { runner } = await client.getRunner({ runnerId }, { signal, headers: { "X-A": "1" } });
    expect(runner?.name).toBe("one");
  });

  test("a call times out and closes its connection", async () => {
    await setUp();
    const server = await serve(stall);
    const client = createRunnerClient({ baseUrl: server.url, retry: false, timeoutMs: 100 });
    const error = await errorOf(client.getRunner({ runnerId }));
    expect(error.message).toBe(
      `[deadline_exceeded] the call to ${server.url} timed out after 100 ms`,
    );
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test("a call is aborted", async () => {
    await setUp();
    const caller = new AbortController();
    const server = await serve((response) => {
      caller.abort();
      stall(response);
    });
    const client = createRunnerClient({ baseUrl: server.url, retry: false });
    const error = await errorOf(client.getRunner({ runnerId }, { signal: caller.signal }));
    expect(error.message).toMatch(/^\[canceled\]/);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  test("a runner is watched", async () => {
    await setUp();
    const caller = new AbortController();
    const { url } = await serve(ok);
    const client = createRunnerClient({ baseUrl: url, retry: false });
    const events = watchRunner(client, runnerId, { signal: caller.signal });
    expect((await events.next()).value).toMatchObject({ type: "runner" });
    const next = events.next();
    caller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

test("happy-dom applies CORS", async () => {
  await environments["happy-dom"]();
  await using server = await startFailingServer([respond(200, { runner: { runnerId } })]);
  const client = createRunnerClient({ baseUrl: server.url, retry: false });
  const error = await errorOf(client.getRunner({ runnerId }));
  expect(error.message).toMatch(/^\[unavailable\] no response from .+Cross-Origin Request Blocked/);
});

test("watchRunner works without AbortSignal.any", async () => {
  vi.stubGlobal("AbortSignal", Object.assign(class {}, { any: undefined }));
  const { url } = await serve(ok);
  const caller = new AbortController();
  const events = watchRunner(createRunnerClient({ baseUrl: url }), runnerId, {
    signal: caller.signal,
  });
  expect((await events.next()).value).toMatchObject({ type: "runner" });
  const aborted = once(caller.signal, "abort");
  const next = events.next();
  caller.abort();
  await aborted;
  expect(await next).toEqual({ done: true, value: undefined });
});
