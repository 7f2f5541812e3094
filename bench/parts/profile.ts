import { type Child, startChild } from "../child.ts";
import { profileRequest } from "../control-channel.ts";
import { fetchVerified } from "../http-response.ts";
import { underLoad } from "../load/under-load.ts";
import { manyRunners, writeManyRunners } from "../many-runners-file.ts";
import { jsonPost } from "../request.ts";
import { sampleFile } from "../sample.ts";
import type { SelfTimes } from "../self-times.ts";
import { type Server, startServer } from "../servers/server.ts";
import { formatTable } from "../table.ts";

/** The number of loads that warm up a server before it is profiled. */
const warmUpLoads = 6;

/** The number of functions in a table. */
const maxFunctions = 20;

type Load = Parameters<typeof underLoad>[2];

/**
 * Profiles the server and its baseline for the goals that are missed. Returns Markdown tables with
 * the self time of each function per call.
 */
export async function profile(): Promise<string> {
  const file = await writeManyRunners();
  await using generator = startChild("load", "load/load-process.ts");
  await using one = await startServer("runner-server", { data: [sampleFile] });
  await using many = await startServer("runner-server", { data: [file] });
  const request = jsonPost();
  const response = await fetchVerified("http2", one.port, request);
  await using limit = await startServer("node-http2", response);

  const http1 = {
    "100,000 runners": await measureSelfTimes(generator, many, { request, runners: manyRunners }),
    "one runner": await measureSelfTimes(generator, one, { request }),
  };
  const http2 = {
    "runner-service": await measureSelfTimes(generator, one, { request, protocol: "http2" }),
    "node:http2": await measureSelfTimes(generator, limit, { request, protocol: "http2" }),
  };
  return [
    `#### JSON POST, ids at random: microseconds per call\n\n${formatTimes(http1)}`,
    `#### JSON POST over HTTP/2: microseconds per call\n\n${formatTimes(http2)}`,
  ].join("\n");
}

/** Measures the self time of each function per call, in microseconds. */
async function measureSelfTimes(generator: Child, server: Server, load: Load): Promise<SelfTimes> {
  process.stderr.write("profile: a server under load\n");
  const measure = await underLoad(generator, server, load);
  for (let round = 0; round < warmUpLoads; round++) {
    await measure();
  }
  const { value, cpu } = await measure();
  const perCall = ((cpu?.server ?? 1) / value) * 1_000_000;
  const [shares] = await Promise.all([server.request<SelfTimes>(profileRequest), measure()]);
  return Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, share * perCall]));
}

/** Formats the functions in which either of two subjects spends the most time, and the total. */
function formatTimes(subjects: Readonly<Record<string, SelfTimes>>): string {
  const [ours = {}, theirs = {}] = Object.values(subjects);
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  const timeIn = (times: SelfTimes, name: string) => times[name] ?? 0;
  const most = names
    .toSorted(
      (a, b) =>
        Math.max(timeIn(ours, b), timeIn(theirs, b)) - Math.max(timeIn(ours, a), timeIn(theirs, a)),
    )
    .slice(0, maxFunctions);
  const total = (times: SelfTimes) => Object.values(times).reduce((sum, time) => sum + time, 0);
  const rows = most.map((name) => [name, timeIn(ours, name), timeIn(theirs, name)] as const);
  return formatTable(
    ["function", ...Object.keys(subjects)],
    [...rows, ["total", total(ours), total(theirs)] as const].map(([name, one, other]) => [
      name,
      one.toFixed(2),
      other.toFixed(2),
    ]),
  );
}
