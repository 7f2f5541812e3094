import { type BenchmarkResult, runBenchmark } from "../benchmark.ts";
import { startChild } from "../child.ts";
import { fetchVerified } from "../http-response.ts";
import { underLoad } from "../load/under-load.ts";
import { binaryPost, connectGet, jsonPost, type WireRequest } from "../request.ts";
import { sampleFile } from "../sample.ts";
import { startServer } from "../servers/server.ts";
import { summarize } from "../statistics.ts";

/** Measures the server against the limits of Node.js, and against Connect's own adapters. */
export async function measureServer(): Promise<BenchmarkResult[]> {
  await using generator = startChild("load", "load/load-process.ts");
  await using ours = await startServer("runner-server", { data: [sampleFile] });
  await using logging = await startServer("runner-server", { data: [sampleFile], log: true });
  await using connectNode = await startServer("connect-node");
  await using connectFastify = await startServer("connect-fastify");

  const calls = {
    unit: { name: "calls/s", digits: 0 },
    subject: "server",
    rounds: 5,
  } as const;
  const againstLimit = { of: "runner-service", against: "node:http" } as const;
  const againstConnect = { of: "runner-service", against: "connect-node" } as const;
  /** Starts a node:http server that writes the same response as ours. */
  const startLimit = async (request: WireRequest) =>
    startServer("node-http", await fetchVerified("http1", ours.port, request));

  const json = { request: jsonPost() };
  await using jsonLimit = await startLimit(json.request);
  await using bareSocket = await startServer(
    "node-net",
    await fetchVerified("http1", ours.port, json.request),
  );
  const jsonResult = await runBenchmark({
    ...calls,
    what: "JSON POST",
    subjects: {
      "runner-service": await underLoad(generator, ours, json),
      "runner-service, logging": await underLoad(generator, logging, json),
      "node:http": await underLoad(generator, jsonLimit, json),
      "node:net": await underLoad(generator, bareSocket, json),
      "connect-node": await underLoad(generator, connectNode, json),
      "connect-fastify": await underLoad(generator, connectFastify, json),
    },
    comparisons: [
      { ...againstLimit, goal: { atLeast: 0.85 } },
      { ...againstConnect, goal: { atLeast: 5 } },
      { of: "runner-service", against: "connect-fastify" },
      { of: "runner-service, logging", against: "node:http" },
      { of: "runner-service", against: "node:net" },
    ],
  });

  const compressed = { request: jsonPost("gzip, deflate, br") };
  await using compressedLimit = await startLimit(compressed.request);
  const compressedResult = await runBenchmark({
    ...calls,
    what: "JSON POST, compressed",
    subjects: {
      "runner-service": await underLoad(generator, ours, compressed),
      "node:http": await underLoad(generator, compressedLimit, compressed),
      "connect-node": await underLoad(generator, connectNode, compressed),
      "connect-fastify": await underLoad(generator, connectFastify, compressed),
    },
    comparisons: [
      { ...againstLimit, goal: { atLeast: 0.85 } },
      { ...againstConnect, goal: { atLeast: 8 } },
      { of: "runner-service", against: "connect-fastify" },
    ],
  });

  const binary = { request: binaryPost() };
  await using binaryLimit = await startLimit(binary.request);
  const binaryResult = await runBenchmark({
    ...calls,
    what: "binary POST",
    subjects: {
      "runner-service": await underLoad(generator, ours, binary),
      "node:http": await underLoad(generator, binaryLimit, binary),
    },
    comparisons: [{ ...againstLimit, goal: { atLeast: 0.8 } }],
  });

  const get = { request: connectGet() };
  await using getLimit = await startLimit(get.request);
  const getResult = await runBenchmark({
    ...calls,
    what: "Connect GET",
    subjects: {
      "runner-service": await underLoad(generator, ours, get),
      "node:http": await underLoad(generator, getLimit, get),
    },
    comparisons: [{ ...againstLimit, goal: { atLeast: 0.8 } }],
  });

  const limit = summarize(jsonResult.samples["node:http"].map(({ value }) => value)).median;
  const steady = { ...json, rate: Math.round(limit / 2) };
  const latencyResult = await runBenchmark({
    what: `p99 latency at ${steady.rate.toLocaleString("en")} calls/s`,
    unit: { name: "ms", digits: 2 },
    rounds: 5,
    subjects: {
      "runner-service": await underLoad(generator, ours, steady),
      "node:http": await underLoad(generator, jsonLimit, steady),
    },
    comparisons: [{ ...againstLimit, goal: { atMost: 1.5 } }],
  });

  const http2 = { ...json, protocol: "http2" } as const;
  await using http2Limit = await startServer(
    "node-http2",
    await fetchVerified("http2", ours.port, json.request),
  );
  const http2Result = await runBenchmark({
    ...calls,
    what: "JSON POST over HTTP/2",
    subjects: {
      "runner-service": await underLoad(generator, ours, http2),
      "node:http2": await underLoad(generator, http2Limit, http2),
    },
    comparisons: [{ of: "runner-service", against: "node:http2", goal: { atLeast: 0.8 } }],
  });

  return [jsonResult, compressedResult, binaryResult, getResult, latencyResult, http2Result];
}
