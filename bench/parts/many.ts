import { type BenchmarkResult, runBenchmark, type Sample } from "../benchmark.ts";
import { startChild } from "../child.ts";
import { fetchVerified } from "../http-response.ts";
import { underLoad } from "../load/under-load.ts";
import { manyRunners as runners, writeManyRunners } from "../many-runners-file.ts";
import { jsonPost } from "../request.ts";
import { sampleFile } from "../sample.ts";
import type { Memory } from "../servers/runner-server.ts";
import { type Server, startServer } from "../servers/server.ts";

/** How often the server is started to measure loading. */
const loads = 3;

/**
 * Measures the server with many runners against the server with one. Random memory accesses miss
 * the CPU's caches; the same comparison with `node:http`, which only writes the bytes, shows that
 * cost alone.
 */
export async function measureMany(): Promise<BenchmarkResult[]> {
  const file = await writeManyRunners();
  const one = await start(sampleFile);
  await using serverOfOne = one.server;
  /** The additional memory compared to the server with one runner, in kilobytes per runner. */
  const kilobytesPerRunner = (memory: Memory, kind: keyof Memory, baseline = one.memory) => ({
    value: (memory[kind] - baseline[kind]) / runners / 1000,
  });
  const seconds: Sample[] = [];
  const resident: Sample[] = [];
  const live: Sample[] = [];
  const load = async () => {
    const { server, ms, memory } = await start(file);
    seconds.push({ value: (ms - one.ms) / 1000 });
    resident.push(kilobytesPerRunner(memory, "resident"));
    live.push(kilobytesPerRunner(memory, "live"));
    return server;
  };
  for (let round = 1; round < loads; round++) {
    process.stderr.write(`many runners: load ${round} of ${loads}\n`);
    await using _ = await load();
  }
  process.stderr.write(`many runners: load ${loads} of ${loads}\n`);
  await using serverOfMany = await load();

  await using generator = startChild("load", "load/load-process.ts");
  const request = jsonPost();
  const response = await fetchVerified("http1", serverOfOne.port, request);
  await using limitOfOne = await startServer("node-http", response);
  await using limitOfMany = await startServer("node-http", { ...response, copies: runners });
  const calls = await runBenchmark({
    what: "JSON POST, ids at random",
    unit: { name: "calls/s", digits: 0 },
    subject: "server",
    rounds: 5,
    subjects: {
      "100,000 runners": await underLoad(generator, serverOfMany, { request, runners }),
      "one runner": await underLoad(generator, serverOfOne, { request }),
      "node:http, 100,000 bodies": await underLoad(generator, limitOfMany, { request, runners }),
      "node:http, one body": await underLoad(generator, limitOfOne, { request }),
    },
    comparisons: [
      { of: "100,000 runners", against: "one runner", goal: { atLeast: 0.9 } },
      { of: "node:http, 100,000 bodies", against: "node:http, one body" },
    ],
  });
  const after = await serverOfMany.request<Memory>("memory");
  const afterOne = await serverOfOne.request<Memory>("memory");
  return [
    {
      what: "loading 100,000 runners",
      unit: { name: "s", digits: 2 },
      samples: { "runner-service": seconds },
      comparisons: [{ of: "runner-service", goal: { atMost: 5 } }],
    },
    {
      what: "memory for each runner",
      unit: { name: "KB", digits: 2 },
      samples: {
        resident,
        "in use": live,
        "resident, after the calls": [kilobytesPerRunner(after, "resident", afterOne)],
        "in use, after the calls": [kilobytesPerRunner(after, "live", afterOne)],
      },
      comparisons: [{ of: "resident", goal: { atMost: 3 } }, { of: "in use" }],
    },
    calls,
  ];
}

interface Started {
  readonly server: Server;
  /** The startup time in milliseconds. */
  readonly ms: number;
  readonly memory: Memory;
}

async function start(file: string): Promise<Started> {
  const start = performance.now();
  const server = await startServer("runner-server", { data: [file] });
  const ms = performance.now() - start;
  return { server, ms, memory: await server.request<Memory>("memory") };
}
