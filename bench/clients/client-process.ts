import { setTimeout as sleep } from "node:timers/promises";
import { answerQuestions } from "../answer-questions.ts";
import type { Sample } from "../contest.ts";
import { beginStretch } from "../load/busy.ts";
import { expectedResponse } from "../sample.ts";
import type { Call, Connect } from "./call.ts";

/** Which client to measure, against which server. */
export interface ClientLoad {
  /** The name of a file in this folder. A process measures one client. */
  readonly client: string;
  readonly port: number;
  /** The server's process, to see how busy it is. */
  readonly serverPid: number;
  /** How many calls are under way at once. */
  readonly atOnce: number;
}

/** How long calls are made before they count, and for how long they count, in milliseconds. */
const warmUpMs = 200;
const countedMs = 1500;

let call: Call | undefined;

answerQuestions(async ({ client, port, serverPid, atOnce }: ClientLoad): Promise<Sample> => {
  const { connect }: { connect: Connect } = await import(`./${client}.ts`);
  call ??= connect(port);
  const name = (await expectedResponse()).runner?.name;
  let calls = 0;
  let stopped = false;
  const callers = Array.from({ length: atOnce }, async () => {
    while (!stopped) {
      const answer = await call?.();
      if (answer !== name) {
        throw new Error(`${client} was answered with the runner ${answer}`);
      }
      calls += 1;
    }
  });
  await sleep(warmUpMs);
  const end = beginStretch(serverPid);
  const before = calls;
  await sleep(countedMs);
  const { seconds, busy } = end();
  const value = (calls - before) / seconds;
  stopped = true;
  await Promise.all(callers);
  return { value, busy };
});
