import { Agent } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { versionOf } from "./fixture-text.ts";
import { absent, type Model } from "./model.ts";
import type { Random } from "./random.ts";
import type { ServerProcess } from "./server-process.ts";
import type { Violations } from "./violations.ts";

/** Callers for each protocol, and the pause of each between two calls, in milliseconds. */
const callers = 4;
const pauseMs = 35;

/** The time that the server may take for a call, in milliseconds that it could run. */
const maxCallMs = 5000;

/** The deadline of a call. It is longer, because a busy machine may not let the server run. */
const timeoutMs = 20_000;

/** A steady load of calls, each of which is checked against the model. */
export interface Load {
  readonly calls: Readonly<Record<string, number>>;
  readonly notFound: number;
  readonly slowestMs: number;
  /** Says that the server is shutting down: it may refuse calls from now on. */
  expectRefusals(): void;
  /** Ends the load and closes its connections. */
  stop(): Promise<void>;
}

/** Calls the server for one runner after the other, over three protocols. */
export function startLoad(
  server: ServerProcess,
  model: Model,
  random: Random,
  violations: Violations,
): Load {
  const agent = new Agent({ keepAlive: true });
  const baseUrl = server.url;
  const transports: Record<string, Transport> = {
    "Connect JSON, HTTP/1.1": createConnectTransport({
      ...{ baseUrl, httpVersion: "1.1", nodeOptions: { agent } },
    }),
    "Connect binary, HTTP/2": createConnectTransport({
      ...{ baseUrl, httpVersion: "2", useBinaryFormat: true, idleConnectionTimeoutMs: 100 },
    }),
    "gRPC, HTTP/2": createGrpcTransport({ baseUrl, idleConnectionTimeoutMs: 100 }),
  };
  const calls: Record<string, number> = {};
  let notFound = 0;
  let slowestMs = 0;
  let stopped = false;
  let refusesCalls = false;
  const run = async (protocol: string, transport: Transport) => {
    const client = createClient(RunnerService, transport);
    while (!stopped) {
      const id = random.pick(model.ids);
      const startedAt = server.runningTime();
      const clockedAt = performance.now();
      try {
        const version = await callRunner(client, id);
        notFound += version === absent ? 1 : 0;
        const mistake = model.check(id, version, startedAt);
        if (mistake !== undefined) {
          violations.add(`wrong response: ${mistake}`);
        }
        const tookMs = server.runningTime() - startedAt;
        if (tookMs > maxCallMs) {
          violations.add(`slow call: ${protocol}: ${(tookMs / 1000).toFixed(1)} s`);
        }
        slowestMs = Math.max(slowestMs, performance.now() - clockedAt);
        calls[protocol] = (calls[protocol] ?? 0) + 1;
      } catch (error) {
        if (!refusesCalls) {
          violations.add(`failed call: ${protocol}: ${(error as Error).message}`);
        }
      }
      await setTimeout(pauseMs);
    }
  };
  const running = Object.entries(transports).flatMap(([protocol, transport]) =>
    Array.from({ length: callers }, () => run(protocol, transport)),
  );
  return {
    calls,
    get notFound() {
      return notFound;
    },
    get slowestMs() {
      return slowestMs;
    },
    expectRefusals: () => {
      refusesCalls = true;
    },
    async stop() {
      stopped = true;
      await Promise.all(running);
      agent.destroy();
    },
  };
}

type RunnerServiceClient = ReturnType<typeof createClient<typeof RunnerService>>;

/** Returns the version of a runner that is served, {@link absent} if there is none. */
export async function callRunner(client: RunnerServiceClient, runnerId: string): Promise<string> {
  try {
    const { runner } = await client.getRunner({ runnerId }, { timeoutMs });
    const version = runner && versionOf(runner);
    return version ?? `a mix: ${JSON.stringify([runner?.name, runner?.status?.version])}`;
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) {
      return absent;
    }
    throw error;
  }
}

/** Creates a client for single calls, over HTTP/1.1 with a new connection for each. */
export function createProbe(baseUrl: string): RunnerServiceClient {
  const agent = new Agent({ keepAlive: false });
  const nodeOptions = { agent };
  return createClient(
    RunnerService,
    createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions }),
  );
}
