import { setTimeout as sleep } from "node:timers/promises";
import type { Protocol } from "../answer.ts";
import { answerQuestions } from "../answer-questions.ts";
import type { Sample } from "../contest.ts";
import { http1Bytes, type WireRequest } from "../request.ts";
import { manyId, sampleId } from "../sample.ts";
import { quantile } from "../statistics.ts";
import { beginStretch } from "./busy.ts";
import type { Answer, Connection } from "./connection.ts";
import { openHttp1 } from "./http1.ts";
import { openHttp2 } from "./http2.ts";

/** A load on a server. */
export interface Load {
  readonly port: number;
  /** The server's process, to see how busy it is. */
  readonly serverPid: number;
  readonly protocol: Protocol;
  readonly request: WireRequest;
  /** The length that every answer's body must have. */
  readonly bodyLength: number;
  /** Of how many runners (see `manyId`) each call picks one at random. Default: the sample's id. */
  readonly runners?: number;
  /**
   * Calls a second, sent on time however long the answers take; the sample is
   * then the 99th percentile of their latencies, in milliseconds. Default: the
   * next call is sent when an answer is there; the sample is calls a second.
   */
  readonly rate?: number;
}

/** How many connections there are, and how many calls under way on each. */
const shapes: Readonly<Record<Protocol, { connections: number; streams: number }>> = {
  http1: { connections: 16, streams: 1 },
  http2: { connections: 1, streams: 64 },
};

/** How long a load runs before it counts, and for how long it counts, in milliseconds. */
const warmUpMs = 200;
const countedMs = 1500;

/** The ids that calls pick from. */
const ids: string[] = [];

answerQuestions((load: Load): Promise<Sample> => {
  while (ids.length < (load.runners ?? 0)) {
    ids.push(manyId(ids.length));
  }
  return load.rate === undefined ? closedLoop(load) : openLoop(load, load.rate);
});

async function closedLoop(load: Load): Promise<Sample> {
  let calls = 0;
  const connections = await openAll(load, (connection) => {
    calls += 1;
    connection.send();
  });
  for (const connection of connections) {
    for (let stream = 0; stream < shapes[load.protocol].streams; stream++) {
      connection.send();
    }
  }
  await sleep(warmUpMs);
  const end = beginStretch(load.serverPid);
  const before = calls;
  await sleep(countedMs);
  const { seconds, busy } = end();
  const value = (calls - before) / seconds;
  closeAll(connections);
  return { value, busy };
}

/**
 * Calls at a fixed rate, over connections that take one call at a time. Latencies
 * count from when a call was due: a server that stops for a while delays all calls
 * that were due meanwhile, and they are not forgotten.
 */
async function openLoop(load: Load, rate: number): Promise<Sample> {
  const latencies: number[] = [];
  const dueOf = new Map<Connection, number>();
  let countedFrom = 0;
  const count = (due: number, at: number) => {
    if (due >= countedFrom) {
      latencies.push(at - due);
    }
  };
  const connections = await openAll(load, (connection) => {
    count(dueOf.get(connection) ?? 0, performance.now());
    dueOf.delete(connection);
    idle.push(connection);
  });
  const idle = [...connections];
  const end = beginStretch(load.serverPid);
  const start = performance.now();
  countedFrom = start + warmUpMs;
  const until = countedFrom + countedMs;
  const dueAt = (call: number) => start + (call * 1000) / rate;
  let next = 0;
  await new Promise<void>((resolve) => {
    // A timer would be a millisecond late: as long as twenty answers take.
    const turn = () => {
      const time = performance.now();
      while (idle.length > 0 && dueAt(next) <= time) {
        const connection = idle.shift() as Connection;
        dueOf.set(connection, dueAt(next));
        next += 1;
        connection.send();
      }
      if (time < until) {
        setImmediate(turn);
      } else {
        resolve();
      }
    };
    turn();
  });
  const { busy } = end();
  for (const due of dueOf.values()) {
    count(due, until);
  }
  for (; dueAt(next) < until; next++) {
    count(dueAt(next), until);
  }
  closeAll(connections);
  return { value: quantile(latencies, 0.99), busy };
}

/** Opens the connections of a load. Every answer is checked before it is told of. */
function openAll(load: Load, onAnswer: (connection: Connection) => void): Promise<Connection[]> {
  return Promise.all(
    Array.from({ length: shapes[load.protocol].connections }, async () => {
      const connection: Connection = await open(load, ({ status, bodyLength }) => {
        if (status !== 200 || bodyLength !== load.bodyLength) {
          throw new Error(`an answer has status ${status} and ${bodyLength} bytes`);
        }
        onAnswer(connection);
      });
      return connection;
    }),
  );
}

function open(load: Load, onAnswer: (answer: Answer) => void): Promise<Connection> {
  const { protocol, port, request, runners } = load;
  if (protocol === "http2") {
    return openHttp2(port, request, onAnswer);
  }
  const bytes = http1Bytes(request, port);
  const idAt = bytes.indexOf(sampleId);
  const next = () => {
    if (runners !== undefined) {
      bytes.write(ids[Math.floor(Math.random() * runners)] ?? "", idAt, "latin1");
    }
    return bytes;
  };
  return openHttp1(port, next, onAnswer);
}

function closeAll(connections: readonly Connection[]): void {
  for (const connection of connections) {
    connection.close();
  }
}
