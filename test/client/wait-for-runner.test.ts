import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Runner, RunnerPhase } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createRunnerClient } from "../../src/client/runner-client.ts";
import {
  type WaitOptions,
  WaitTimeoutError,
  waitForRunner,
} from "../../src/client/wait-for-runner.ts";
import { answer, type Behaviour, stall, startFailingServer } from "../support/failing-server.ts";
import { createFakeClock } from "../support/fake-clock.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const inPhase = (phase: string) => answer(200, { runner: { runnerId, status: { phase } } });
const created = inPhase("RUNNER_PHASE_CREATED");
const active = inPhase("RUNNER_PHASE_ACTIVE");
const notFound = answer(404, { code: "not_found", message: "no such runner" });
const down = answer(503, { code: "unavailable", message: "down" });

const isActive = (runner: Runner | undefined) => runner?.status?.phase === RunnerPhase.ACTIVE;
const isDeleted = (runner: Runner | undefined) => runner === undefined;

async function wait(
  behaviours: Behaviour[],
  condition: (runner: Runner | undefined) => boolean,
  options: WaitOptions = {},
) {
  const clock = createFakeClock(0.5);
  await using server = await startFailingServer(behaviours, clock.now);
  const client = createRunnerClient({ baseUrl: server.url, retry: false });
  return await waitForRunner(client, runnerId, condition, { clock, ...options });
}

describe("waitForRunner", () => {
  test("gives the runner once the condition holds, and rides out errors", async () => {
    const runner = await wait([down, created, down, active], isActive);
    expect(runner?.status?.phase).toBe(RunnerPhase.ACTIVE);
  });

  test("does not wait for what holds already", async () => {
    const clock = createFakeClock();
    await wait([active], isActive, { clock });
    expect(clock.sleeps).toEqual([]);
  });

  test("tells of each call that was not the last", async () => {
    const progress: unknown[] = [];
    await wait([down, created, active], isActive, {
      onProgress: ({ runner, error }) => progress.push(runner?.status?.phase ?? error?.rawMessage),
    });
    expect(progress).toEqual(["down", RunnerPhase.CREATED]);
  });

  test("waits for a runner to be gone", async () => {
    expect(await wait([active, down, notFound], isDeleted)).toBeUndefined();
    expect(await wait([notFound], isDeleted)).toBeUndefined();
  });

  test.each([
    ["a runner that is not there", [notFound], Code.NotFound],
    ["a runner that goes meanwhile", [created, notFound], Code.NotFound],
    ["who may not see it", [answer(403, {})], Code.PermissionDenied],
  ])("waits no longer for %s", async (_, behaviours, code) => {
    await expect(wait(behaviours, isActive)).rejects.toMatchObject({ code });
  });

  test("says after its time what it saw last", async () => {
    const error = await wait([created, created, down], isActive, {
      timeoutMs: 12_000,
      intervalMs: 4000,
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WaitTimeoutError);
    expect(error).toMatchObject({
      message: `runner ${runnerId} did not get there in 12 s: RUNNER_PHASE_CREATED, seen 8 s ago; the last call failed: [unavailable] down`,
      runner: { status: { phase: RunnerPhase.CREATED } },
    });
  });

  test("says a phase by its name even if that is newer than the contract", async () => {
    const waiting = wait([inPhase("RUNNER_PHASE_DREAMING")], isActive, { timeoutMs: 1000 });
    await expect(waiting).rejects.toThrow("in 1 s: RUNNER_PHASE_DREAMING, seen 1 s ago");
  });

  test("ends in time although the server does not answer", async () => {
    const waiting = wait([stall], isActive, { clock: undefined, timeoutMs: 50 });
    await expect(waiting).rejects.toThrow(
      /it was never seen; the last call failed: \[deadline_exceeded\]/,
    );
  });

  test("is canceled by the signal", async () => {
    const caller = new AbortController();
    const clock = createFakeClock(0.5, () => caller.abort());
    onTestFinished(() => expect(clock.sleeps).toHaveLength(1));
    const waiting = wait([created], isActive, { clock, signal: caller.signal });
    await expect(waiting).rejects.toMatchObject({ code: Code.Canceled });
  });
});
