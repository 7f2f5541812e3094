import { setTimeout as sleep } from "node:timers/promises";
import type { Sample } from "../benchmark.ts";
import { handleRequests } from "../control-channel.ts";
import type { Protocol } from "../http-response.ts";
import { encodeHttp1, type WireRequest } from "../request.ts";
import { manyId, sampleId } from "../sample.ts";
import { quantile } from "../statistics.ts";
import type { Connection, ResponseSummary } from "./connection.ts";
import { startCpuMeasurement } from "./cpu-usage.ts";
import { openHttp1 } from "./http1.ts";
import { openHttp2 } from "./http2.ts";

/** A request to generate load on a server. */
export interface Load {
  readonly port: number;
  /** The process of the server, for its CPU usage. */
  readonly serverPid: number;
  readonly protocol: Protocol;
  readonly request: WireRequest;
  /** The length that the body of every response must have. */
  readonly bodyLength: number;
  /** Each call gets a random one of this many runners (see `manyId`). Default: only the sample. */
  readonly runners?: number;
  /**
   * The rate of an open loop, in calls per second: calls are sent on schedule,
   * however long responses take, and the sample is the 99th percentile of
   * latency in milliseconds. Default: a closed loop, in which each response
   * triggers the next call, and the sample is the rate in calls per second.
   */
  readonly rate?: number;
}

/** The number of connections, and of concurrent calls on each of them. */
const concurrency: Readonly<Record<Protocol, { connections: number; streams: number }>> = {
  http1: { connections: 16, streams: 1 },
  http2: { connections: 1, streams: 64 },
};

/** How long a load warms up, and how long calls are then counted, in milliseconds. */
const warmUpMs = 200;
const countedMs = 1500;

/** The ids that calls pick from. */
const ids: string[] = [];

handleRequests((load: Load): Promise<Sample> => {
  while (ids.length < (load.runners ?? 0)) {
    ids.push(manyId(ids.length));
  }
  return load.rate === undefined ? runClosedLoop(load) : runOpenLoop(load, load.rate);
});

async function runClosedLoop(load: Load): Promise<Sample> {
  let calls = 0;
  const connections = await openAll(load, (connection) => {
    calls += 1;
    connection.send();
  });
  for (const connection of connections) {
    for (let stream = 0; stream < concurrency[load.protocol].streams; stream++) {
      connection.send();
    }
  }
  await sleep(warmUpMs);
  const endMeasurement = startCpuMeasurement(load.serverPid);
  const before = calls;
  await sleep(countedMs);
  const { seconds, cpu } = endMeasurement();
  const value = (calls - before) / seconds;
  closeAll(connections);
  return { value, cpu };
}

/**
 * Makes calls at a fixed rate, over connections that make one call at a time.
 * The latency of a call starts when it was due, even if it was sent later. This
 * avoids coordinated omission: if the server pauses, the calls that were due
 * meanwhile are counted with the delay.
 */
async function runOpenLoop(load: Load, rate: number): Promise<Sample> {
  const latencies: number[] = [];
  const dueTimes = new Map<Connection, number>();
  let countedFrom = 0;
  const recordLatency = (due: number, end: number) => {
    if (due >= countedFrom) {
      latencies.push(end - due);
    }
  };
  const connections = await openAll(load, (connection) => {
    recordLatency(dueTimes.get(connection) ?? 0, performance.now());
    dueTimes.delete(connection);
    idle.push(connection);
  });
  const idle = [...connections];
  const endMeasurement = startCpuMeasurement(load.serverPid);
  const start = performance.now();
  countedFrom = start + warmUpMs;
  const until = countedFrom + countedMs;
  const dueAt = (call: number) => start + (call * 1000) / rate;
  let next = 0;
  await new Promise<void>((resolve) => {
    // setImmediate, because timers are up to a millisecond late: the time of twenty responses.
    const sendDueCalls = () => {
      const now = performance.now();
      while (idle.length > 0 && dueAt(next) <= now) {
        const connection = idle.shift() as Connection;
        dueTimes.set(connection, dueAt(next));
        next += 1;
        connection.send();
      }
      if (now < until) {
        setImmediate(sendDueCalls);
      } else {
        resolve();
      }
    };
    sendDueCalls();
  });
  const { cpu } = endMeasurement();
  for (const due of dueTimes.values()) {
    recordLatency(due, until);
  }
  for (; dueAt(next) < until; next++) {
    recordLatency(dueAt(next), until);
  }
  closeAll(connections);
  return { value: quantile(latencies, 0.99), cpu };
}

/** Opens the connections of a load. Checks every response before it reports it. */
function openAll(load: Load, onResponse: (connection: Connection) => void): Promise<Connection[]> {
  return Promise.all(
    Array.from({ length: concurrency[load.protocol].connections }, async () => {
      const connection: Connection = await open(load, ({ status, bodyLength }) => {
        if (status !== 200 || bodyLength !== load.bodyLength) {
          throw new Error(`a response has status ${status} and ${bodyLength} bytes`);
        }
        onResponse(connection);
      });
      return connection;
    }),
  );
}

function open(load: Load, onResponse: (response: ResponseSummary) => void): Promise<Connection> {
  const { protocol, port, request, runners } = load;
  if (protocol === "http2") {
    return openHttp2(port, request, onResponse);
  }
  const bytes = encodeHttp1(request, port);
  const idOffset = bytes.indexOf(sampleId);
  const next = () => {
    if (runners !== undefined) {
      bytes.write(ids[Math.floor(Math.random() * runners)] ?? "", idOffset, "latin1");
    }
    return bytes;
  };
  return openHttp1(port, next, onResponse);
}

function closeAll(connections: readonly Connection[]): void {
  for (const connection of connections) {
    connection.close();
  }
}
