import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Runner, RunnerPhase } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createRunnerClient } from "../../src/client/runner-client.ts";
import {
  type WaitOptions,
  WaitTimeoutError,
  waitForRunner,
} from "../../src/client/wait-for-runner.ts";
import { type Behavior, respond, stall, startFailingServer } from "../support/failing-server.ts";
import { createFakeClock } from "../support/fake-clock.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const inPhase = (phase: string) => respond(200, { runner: { runnerId, status: { phase } } });
const created = inPhase("RUNNER_PHASE_CREATED");
const active = inPhase("RUNNER_PHASE_ACTIVE");
const notFound = respond(404, { code: "not_found", message: "no such runner" });
const down = respond(503, { code: "unavailable", message: "down" });

const isActive = (runner: Runner | undefined) => runner?.status?.phase === RunnerPhase.ACTIVE;
const isDeleted = (runner: Runner | undefined) => runner === undefined;

async function wait(
  behaviors: Behavior[],
  condition: (runner: Runner | undefined) => boolean,
  options: WaitOptions = {},
) {
  const clock = createFakeClock(0.5);
  await using server = await startFailingServer(behaviors, clock.now);
  const client = createRunnerClient({ baseUrl: server.url, retry: false });
  return await waitForRunner(client, runnerId, condition, { clock, ...options });
}

describe("waitForRunner", () => {
  test("returns the runner when it meets the condition, despite transient errors", async () => {
    const runner = await wait([down, created, down, active], isActive);
    expect(runner?.status?.phase).toBe(RunnerPhase.ACTIVE);
  });

  test("does not wait if the condition is already met", async () => {
    const clock = createFakeClock();
    await wait([active], isActive, { clock });
    expect(clock.sleeps).toEqual([]);
  });

  test("reports progress after each call except the last", async () => {
    const progress: unknown[] = [];
    await wait([down, created, active], isActive, {
      onProgress: ({ runner, error }) => progress.push(runner?.status?.phase ?? error?.rawMessage),
    });
    expect(progress).toEqual(["down", RunnerPhase.CREATED]);
  });

  test("waits until a runner is deleted", async () => {
    expect(await wait([active, down, notFound], isDeleted)).toBeUndefined();
    expect(await wait([notFound], isDeleted)).toBeUndefined();
  });

  test.each([
    ["the runner does not exist", [notFound], Code.NotFound],
    ["the runner is deleted meanwhile", [created, notFound], Code.NotFound],
    ["the caller does not have permission", [respond(403, {})], Code.PermissionDenied],
  ])("throws if %s", async (_, behaviors, code) => {
    await expect(wait(behaviors, isActive)).rejects.toMatchObject({ code });
  });

  test("throws an error with the last known state after the timeout", async () => {
    const error = await wait([created, created, down], isActive, {
      timeoutMs: 12_000,
      intervalMs: 4000,
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WaitTimeoutError);
    expect(error).toMatchObject({
      message: `runner ${runnerId} did not meet the condition within 12 s: last seen 8 s ago in RUNNER_PHASE_CREATED; the last call failed: [unavailable] down`,
      runner: { status: { phase: RunnerPhase.CREATED } },
    });
  });

  test("names a phase that the contract does not define", async () => {
    const waiting = wait([inPhase("RUNNER_PHASE_DREAMING")], isActive, { timeoutMs: 1000 });
    await expect(waiting).rejects.toThrow("within 1 s: last seen 1 s ago in RUNNER_PHASE_DREAMING");
  });

  test("times out if the server does not respond", async () => {
    const waiting = wait([stall], isActive, { clock: undefined, timeoutMs: 50 });
    await expect(waiting).rejects.toThrow(
      /it could not be read; the last call failed: \[deadline_exceeded\]/,
    );
  });

  test("checks once with a timeout of 0", async () => {
    const clock = createFakeClock();
    expect(await wait([active], isActive, { clock, timeoutMs: 0 })).toBeDefined();
    await expect(wait([created, active], isActive, { clock, timeoutMs: 0 })).rejects.toMatchObject({
      message: `runner ${runnerId} did not meet the condition: last seen 0 s ago in RUNNER_PHASE_CREATED`,
      runner: { status: { phase: RunnerPhase.CREATED } },
    });
    await expect(wait([down, active], isActive, { clock, timeoutMs: 0 })).rejects.toMatchObject({
      message: `runner ${runnerId} did not meet the condition: it could not be read; the last call failed: [unavailable] down`,
      cause: { code: Code.Unavailable },
    });
    expect(clock.sleeps).toEqual([]);
  });

  test("throws canceled when the signal is aborted", async () => {
    const caller = new AbortController();
    const clock = createFakeClock(0.5, () => caller.abort());
    onTestFinished(() => expect(clock.sleeps).toHaveLength(1));
    const waiting = wait([created], isActive, { clock, signal: caller.signal });
    await expect(waiting).rejects.toMatchObject({ code: Code.Canceled });
  });
});
