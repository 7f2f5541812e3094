import { type BenchmarkResult, type Measure, runBenchmark, type Sample } from "../benchmark.ts";
import { type Child, startChild } from "../child.ts";
import type { ClientLoad } from "../clients/client-process.ts";
import { sampleFile } from "../sample.ts";
import { type Server, startServer } from "../servers/server.ts";

/**
 * Measures the client in Node.js against other clients. All call the product's
 * server except grpc-js, for which that server would be the bottleneck: it calls
 * a minimal grpc-js server.
 */
export async function measureClient(): Promise<BenchmarkResult[]> {
  await using server = await startServer("runner-server", { data: [sampleFile] });
  await using grpcServer = await startServer("grpc-js");
  await using ours = startClient();
  await using connectNode = startClient();
  await using connectWeb = startClient();
  await using sdk = startClient();
  await using grpc = startClient();

  const measure = (
    what: string,
    concurrency: number,
    goals: { grpc: number; connectNode: number },
  ) =>
    runBenchmark({
      what,
      unit: { name: "calls/s", digits: 0 },
      subject: "load",
      rounds: 5,
      subjects: {
        "runner-service": createMeasure(ours, "runner-client", server, concurrency),
        "connect-node": createMeasure(connectNode, "connect-node", server, concurrency),
        "connect-web": createMeasure(connectWeb, "connect-web", server, concurrency),
        "@gitpod/sdk": createMeasure(sdk, "gitpod-sdk", server, concurrency),
        "grpc-js": createMeasure(grpc, "grpc-js", grpcServer, concurrency),
      },
      comparisons: [
        { of: "runner-service", against: "grpc-js", goal: { atLeast: goals.grpc } },
        { of: "runner-service", against: "connect-node", goal: { atLeast: goals.connectNode } },
        { of: "runner-service", against: "connect-web" },
        { of: "runner-service", against: "@gitpod/sdk" },
      ],
    });
  return [
    await measure("one call at a time", 1, { grpc: 1, connectNode: 1.5 }),
    await measure("32 calls at a time", 32, { grpc: 1.5, connectNode: 3 }),
  ];
}

function startClient(): Child {
  return startChild("load", "clients/client-process.ts");
}

function createMeasure(
  process: Child,
  client: string,
  server: Server,
  concurrency: number,
): Measure {
  const load: ClientLoad = { client, port: server.port, serverPid: server.pid, concurrency };
  return () => process.request<Sample>(load);
}
