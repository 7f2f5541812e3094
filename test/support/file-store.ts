import { setTimeout } from "node:timers/promises";
import { expect, type TestContext } from "vitest";
import {
  type FileRunnerStore,
  type FileRunnerStoreEvent,
  type FileRunnerStoreOptions,
  openFileRunnerStore,
} from "../../src/server/index.ts";

export const id = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
export const otherId = "7e0f4c1b-92d5-4a3e-8f61-0b5d2c9a7e14";

/** Returns a fixture with a name, as JSON. */
export function json(name: string, runnerId: string = id): string {
  return JSON.stringify({ runner: { runnerId, name } });
}

type Event<Type> = Extract<FileRunnerStoreEvent, { type: Type }>;

/** Opens a store for the current test, and collects its events. */
export async function open(
  context: Pick<TestContext, "onTestFinished">,
  options: FileRunnerStoreOptions,
) {
  const events: FileRunnerStoreEvent[] = [];
  let onNewEvent = () => {};
  const store = await openFileRunnerStore({
    ...options,
    onEvent: (event) => {
      if (event.type !== "loading") {
        events.push(event);
        onNewEvent();
      }
    },
  });
  context.onTestFinished(() => store.close());
  /** Waits for the next event, and expects it to be of this type. */
  async function next<Type extends FileRunnerStoreEvent["type"]>(type: Type): Promise<Event<Type>> {
    while (events.length === 0) {
      await new Promise<void>((resolve) => {
        onNewEvent = resolve;
      });
    }
    const event = events.shift();
    expect(event).toMatchObject({ type });
    return event as Event<Type>;
  }
  await next("loaded");
  return { store, events, next };
}

/**
 * Waits until the store serves the runner with this name, or not at all if it is undefined. The
 * documented time is 2 seconds; the rest is for a busy machine.
 */
export async function serves(
  store: FileRunnerStore,
  name: string | undefined,
  runnerId: string = id,
  timeoutMs = 3000,
): Promise<void> {
  const startedAt = performance.now();
  while (store.get(runnerId)?.name !== name && performance.now() - startedAt < timeoutMs) {
    await setTimeout(10);
  }
  expect(store.get(runnerId)?.name).toBe(name);
}
