import { setTimeout as sleep } from "node:timers/promises";
import type { Sample } from "../benchmark.ts";
import { handleRequests } from "../control-channel.ts";
import { startCpuMeasurement } from "../load/cpu-usage.ts";
import { expectedResponse } from "../sample.ts";
import type { Call, Connect } from "./call.ts";

/** A request to measure a client. */
export interface ClientLoad {
  /** The name of a file in this folder. A process measures only one client. */
  readonly client: string;
  readonly port: number;
  /** The process of the server, for its CPU usage. */
  readonly serverPid: number;
  /** The number of concurrent calls. */
  readonly concurrency: number;
}

/** How long the client warms up, and how long calls are then counted, in milliseconds. */
const warmUpMs = 200;
const countedMs = 1500;

let call: Call | undefined;

handleRequests(async ({ client, port, serverPid, concurrency }: ClientLoad): Promise<Sample> => {
  const { connect }: { connect: Connect } = await import(`./${client}.ts`);
  call ??= connect(port);
  const expectedName = (await expectedResponse()).runner?.name;
  let calls = 0;
  let stopped = false;
  const callers = Array.from({ length: concurrency }, async () => {
    while (!stopped) {
      const name = await call?.();
      if (name !== expectedName) {
        throw new Error(`${client} returned the wrong runner: ${name}`);
      }
      calls += 1;
    }
  });
  await sleep(warmUpMs);
  const endMeasurement = startCpuMeasurement(serverPid);
  const before = calls;
  await sleep(countedMs);
  const { seconds, cpu } = endMeasurement();
  const value = (calls - before) / seconds;
  stopped = true;
  await Promise.all(callers);
  return { value, cpu };
});
