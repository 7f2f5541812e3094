import { fetchAnswer } from "../answer.ts";
import { profileQuestion } from "../answer-questions.ts";
import { type Child, startChild } from "../child.ts";
import { underLoad } from "../load/under-load.ts";
import { manyRunners, writeManyRunners } from "../many-runners-file.ts";
import { jsonPost } from "../request.ts";
import { sampleFile } from "../sample.ts";
import type { SelfTimes } from "../self-times.ts";
import { type Server, startServer } from "../servers/server.ts";
import { markdown } from "../table.ts";

/** How many loads a server has had before it is looked at, as many as warm it up. */
const warmUps = 6;

/** How many functions a table shows. */
const shown = 20;

type Load = Parameters<typeof underLoad>[2];

/**
 * Shows what the time of a call is spent on, where a goal is out of reach: each function's own time,
 * of the server and of what it is held against. Both are Markdown tables.
 */
export async function profile(): Promise<string> {
  const file = await writeManyRunners();
  await using generator = startChild("load", "load/load-process.ts");
  await using one = await startServer("runner-server", { data: [sampleFile] });
  await using many = await startServer("runner-server", { data: [file] });
  const request = jsonPost();
  const answer = await fetchAnswer("http2", one.port, request);
  await using limit = await startServer("node-http2", answer);

  const http1 = {
    "100,000 runners": await timesOf(generator, many, { request, runners: manyRunners }),
    "one runner": await timesOf(generator, one, { request }),
  };
  const http2 = {
    "runner-service": await timesOf(generator, one, { request, protocol: "http2" }),
    "node:http2": await timesOf(generator, limit, { request, protocol: "http2" }),
  };
  return [
    `#### JSON POST, ids at random: microseconds of a call\n\n${timesTable(http1)}`,
    `#### JSON POST over HTTP/2: microseconds of a call\n\n${timesTable(http2)}`,
  ].join("\n");
}

/** Each function's own time in a call, in microseconds. */
async function timesOf(generator: Child, server: Server, load: Load): Promise<SelfTimes> {
  process.stderr.write("profile: a server under load\n");
  const measure = await underLoad(generator, server, load);
  for (let round = 0; round < warmUps; round++) {
    await measure();
  }
  const { value, busy } = await measure();
  const perCall = ((busy?.server ?? 1) / value) * 1_000_000;
  const [shares] = await Promise.all([server.ask<SelfTimes>(profileQuestion), measure()]);
  return Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, share * perCall]));
}

/** The functions that either of two subjects spends the most time in, and all together. */
function timesTable(subjects: Readonly<Record<string, SelfTimes>>): string {
  const [ours = {}, theirs = {}] = Object.values(subjects);
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  const timeIn = (times: SelfTimes, name: string) => times[name] ?? 0;
  const most = names
    .toSorted(
      (a, b) =>
        Math.max(timeIn(ours, b), timeIn(theirs, b)) - Math.max(timeIn(ours, a), timeIn(theirs, a)),
    )
    .slice(0, shown);
  const total = (times: SelfTimes) => Object.values(times).reduce((sum, time) => sum + time, 0);
  const rows = most.map((name) => [name, timeIn(ours, name), timeIn(theirs, name)] as const);
  return markdown(
    ["function", ...Object.keys(subjects)],
    [...rows, ["in all", total(ours), total(theirs)] as const].map(([name, one, other]) => [
      name,
      one.toFixed(2),
      other.toFixed(2),
    ]),
  );
}
