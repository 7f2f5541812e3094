import { fetchAnswer } from "../answer.ts";
import { startChild } from "../child.ts";
import { holdContest, type Outcome, type Sample } from "../contest.ts";
import { underLoad } from "../load/under-load.ts";
import { manyRunners as runners, writeManyRunners } from "../many-runners-file.ts";
import { jsonPost } from "../request.ts";
import { sampleFile } from "../sample.ts";
import type { Memory } from "../servers/runner-server.ts";
import { type Server, startServer } from "../servers/server.ts";

const loads = 3;

/**
 * The server with many runners against the server with one. Memory that is read at random comes from
 * no cache: what that costs `node:http`, which does no more than write it, is measured beside it.
 */
export async function measureMany(): Promise<Outcome[]> {
  const file = await writeManyRunners();
  const one = await start(sampleFile);
  await using serverOfOne = one.server;
  /** What a server has more of memory than that of one runner, in kilobytes a runner. */
  const kilobytesEach = (memory: Memory, kind: keyof Memory, ofOne = one.memory) => ({
    value: (memory[kind] - ofOne[kind]) / runners / 1000,
  });
  const seconds: Sample[] = [];
  const resident: Sample[] = [];
  const live: Sample[] = [];
  const load = async () => {
    const { server, ms, memory } = await start(file);
    seconds.push({ value: (ms - one.ms) / 1000 });
    resident.push(kilobytesEach(memory, "resident"));
    live.push(kilobytesEach(memory, "live"));
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
  const answer = await fetchAnswer("http1", serverOfOne.port, request);
  await using limitOfOne = await startServer("node-http", answer);
  await using limitOfMany = await startServer("node-http", { ...answer, copies: runners });
  const calls = await holdContest({
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
  const after = await serverOfMany.ask<Memory>("memory");
  const oneAfter = await serverOfOne.ask<Memory>("memory");
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
        "resident, after the calls": [kilobytesEach(after, "resident", oneAfter)],
        "in use, after the calls": [kilobytesEach(after, "live", oneAfter)],
      },
      comparisons: [{ of: "resident", goal: { atMost: 3 } }, { of: "in use" }],
    },
    calls,
  ];
}

interface Started {
  readonly server: Server;
  /** How long the start took, in milliseconds. */
  readonly ms: number;
  readonly memory: Memory;
}

async function start(file: string): Promise<Started> {
  const start = performance.now();
  const server = await startServer("runner-server", { data: [file] });
  const ms = performance.now() - start;
  return { server, ms, memory: await server.ask<Memory>("memory") };
}
