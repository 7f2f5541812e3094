import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { pino } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import { releaseLoadingMemory } from "../../src/cli/release-memory.ts";
import {
  createRunnerServer,
  createTokenVerifier,
  openFileRunnerStore,
} from "../../src/server/index.ts";
import { answerQuestions } from "../answer-questions.ts";
import { now, token } from "../sample.ts";

/** The product, put together as `runnerctl serve` does it. */
export interface RunnerServerSetUp {
  /** The files and folders of fixtures. */
  readonly data: readonly string[];
  /** Whether a line is logged for each call, to nowhere. */
  readonly log?: boolean;
}

/** What the server's process takes of memory, in bytes. */
export interface Memory {
  /** What the operating system has given it. */
  readonly resident: number;
  /** What is in use after garbage is collected: the heap, and buffers outside of it. */
  readonly live: number;
}

answerQuestions(async (question: RunnerServerSetUp | "memory") =>
  question === "memory" ? memory() : start(question),
);

async function start({ data, log = false }: RunnerServerSetUp): Promise<number> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const store = await openFileRunnerStore({ paths: data, now });
  await releaseLoadingMemory(store.size);
  const server = createRunnerServer({
    store,
    verifyToken: createTokenVerifier([token]),
    port: 0,
    registry,
    logger: pino(
      { level: log ? "info" : "warn", base: null },
      pino.destination({ dest: "/dev/null", sync: false }),
    ),
  });
  return Number(new URL(await server.start()).port);
}

function memory(): Memory {
  const resident = process.memoryUsage.rss();
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return { resident, live: heapUsed + external };
}
