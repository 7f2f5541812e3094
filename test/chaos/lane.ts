import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { fixtureText, newVersion } from "./fixture-text.ts";
import { callRunner, createProbe } from "./load.ts";
import { absent, type Model, marginMs, servedWithinMs } from "./model.ts";
import { createRandom, type Random } from "./random.ts";
import type { ServerProcess } from "./server-process.ts";
import type { Violations } from "./violations.ts";

/** One thing that is done to the server or its files. It leaves them as they should be. */
export interface Action<T> {
  readonly name: string;
  /** Returns why it cannot be done here, if it cannot. */
  whySkipped?(server: ServerProcess, target: T): string | undefined;
  run(lane: Lane, target: T): Promise<void>;
}

/** What an action needs. */
export interface Lane {
  readonly server: ServerProcess;
  readonly model: Model;
  readonly random: Random;
  /** Waits for a random time, in milliseconds. */
  pause(minimum: number, maximum: number): Promise<void>;
  /** Makes a change that gives the runners a version, and waits until they are served. */
  change(
    ids: readonly string[],
    apply: (version: string) => void | Promise<void>,
    version?: string,
  ): Promise<void>;
  /** The same for a change that removes the runners. */
  remove(ids: readonly string[], apply: () => void): Promise<void>;
  /** Returns the text of a fixture file, with a random size. */
  text(file: string, ids: readonly string[], version: string): string;
  /** Waits until `/readyz` names the path, or no longer does. */
  untilReported(path: string, isReported?: boolean): Promise<void>;
  /** Waits until the condition holds, which must be within the documented time. */
  until(what: string, holds: () => Promise<boolean> | boolean): Promise<void>;
}

/** How often an action was done, and the longest time until the server noticed it. */
export interface Tally {
  readonly lane: string;
  readonly action: string;
  count: number;
  slowestMs: number;
  readonly skipped: string | undefined;
}

/** A sequence of actions on the same target. Several lanes run at the same time. */
export interface RunningLane {
  readonly tallies: readonly Tally[];
  /** What it does at the moment. */
  readonly current: string;
  /** Resolves when the last action is done. */
  readonly done: Promise<void>;
}

/** How long to wait for what takes longer than it should, to say how long, in milliseconds. */
const patienceMs = 10_000;

const pollMs = 20;

/** Runs all actions in a random order, again and again, until `isOver` says so. */
export function runLane<T>(
  name: string,
  actions: readonly Action<T>[],
  target: T,
  options: {
    readonly seed: number;
    readonly server: ServerProcess;
    readonly model: Model;
    readonly violations: Violations;
    readonly isOver: () => boolean;
  },
): RunningLane {
  const { seed, server, model, violations, isOver } = options;
  const random = createRandom(seed, name);
  const probe = createProbe(server.url);
  const tallies = actions.map(
    ({ name: action, whySkipped }): Tally => ({
      ...{ lane: name, action, count: 0, slowestMs: 0, skipped: whySkipped?.(server, target) },
    }),
  );
  let current: Tally | undefined;

  async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const startedAt = server.runningTime();
    let isTrue = false;
    let elapsedMs = 0;
    const giveUpAt = performance.now() + 4 * patienceMs;
    while (!isTrue && elapsedMs < patienceMs && performance.now() < giveUpAt && !server.hasExited) {
      isTrue = await Promise.resolve(holds()).catch(() => false);
      elapsedMs = server.runningTime() - startedAt;
      await setTimeout(isTrue ? 0 : pollMs);
    }
    if (current !== undefined) {
      current.slowestMs = Math.max(current.slowestMs, elapsedMs);
    }
    if (!isTrue || elapsedMs > servedWithinMs + marginMs) {
      const seconds = (elapsedMs / 1000).toFixed(1);
      violations.add(isTrue ? `late: ${what} after ${seconds} s` : `never: ${what}`);
    }
  }

  async function change(
    ids: readonly string[],
    apply: (version: string) => void | Promise<void>,
    version = newVersion(),
  ): Promise<void> {
    for (const id of ids) {
      model.announce(id, version);
    }
    await apply(version);
    for (const id of ids) {
      model.commit(id);
    }
    const waiting = new Set(ids);
    await until(version === absent ? "no longer served" : "served", async () => {
      for (const id of waiting) {
        if ((await callRunner(probe, id)) !== version) {
          return false;
        }
        waiting.delete(id);
      }
      return true;
    });
  }

  const lane: Lane = {
    ...{ server, model, random, until, change },
    pause: (minimum, maximum) => setTimeout(random.between(minimum, maximum)),
    remove: (ids, apply) => change(ids, apply, absent),
    text: (file, ids, version) => fixtureText(file, ids, version, random.between(0, 3000)),
    untilReported: (path, isReported = true) =>
      until(isReported ? "reported as stale" : "no longer reported as stale", async () => {
        const response = await fetch(new URL("/readyz", server.url));
        return (await response.text()).includes(path) === isReported;
      }),
  };

  const run = async () => {
    while (!isOver()) {
      for (const [index, action] of shuffledEntries(actions, random)) {
        if (isOver()) {
          return;
        }
        const tally = tallies[index] as Tally;
        if (tally.skipped !== undefined) {
          continue;
        }
        current = tally;
        try {
          await action.run(lane, target);
          tally.count++;
        } catch (error) {
          violations.add(`action failed: ${(error as Error).stack}`);
        }
        await lane.pause(0, 200);
      }
    }
  };
  return {
    tallies,
    get current() {
      return `${name}: ${current?.action}`;
    },
    done: run(),
  };
}

function shuffledEntries<T>(items: readonly T[], random: Random): [number, T][] {
  return random.shuffle([...items.entries()]);
}

/** A fixture file and its runners. */
export interface FixtureSite {
  readonly path: string;
  readonly ids: readonly string[];
}

/** Creates a fixture file with new runners before the server is started. */
export function createSite(path: string, runners: number, model: Model, random: Random) {
  const ids = Array.from({ length: runners }, () => random.uuid());
  const version = newVersion();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, fixtureText(path, ids, version));
  for (const id of ids) {
    model.announce(id, version);
    model.commit(id);
  }
  return { path, ids };
}
