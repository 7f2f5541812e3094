import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { pino } from "pino";
import { Registry } from "prom-client";
import { collectProcessMetrics } from "../../src/cli/process-metrics.ts";
import { releaseLoadingMemory } from "../../src/cli/release-memory.ts";
import {
  createRunnerServer,
  createTokenVerifier,
  openFileRunnerStore,
} from "../../src/server/index.ts";
import { handleRequests } from "../control-channel.ts";
import { now, token } from "../sample.ts";

/** Options of the product's server, which is set up as in `runnerctl serve`. */
export interface RunnerServerOptions {
  /** Fixture files and folders. */
  readonly data: readonly string[];
  /** Whether to log a line per call, to /dev/null. Default: false. */
  readonly log?: boolean;
}

/** The memory usage of the server's process, in bytes. */
export interface Memory {
  /** The resident set size. */
  readonly resident: number;
  /** The heap, and buffers outside it, in use after a garbage collection. */
  readonly live: number;
}

handleRequests(async (request: RunnerServerOptions | "memory") =>
  request === "memory" ? measureMemory() : start(request),
);

async function start({ data, log = false }: RunnerServerOptions): Promise<number> {
  const registry = new Registry();
  collectProcessMetrics(registry);
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

function measureMemory(): Memory {
  const resident = process.memoryUsage.rss();
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return { resident, live: heapUsed + external };
}
