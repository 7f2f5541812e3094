import { type Child, startChild } from "../child.ts";
import type { ClientLoad } from "../clients/client-process.ts";
import { holdContest, type Measure, type Outcome, type Sample } from "../contest.ts";
import { sampleFile } from "../sample.ts";
import { type Server, startServer } from "../servers/server.ts";

/**
 * The client in Node.js against other clients. All call the product's server,
 * but for grpc-js, which that would hold back: it calls a server of its own kind
 * that does nothing but answer.
 */
export async function measureClient(): Promise<Outcome[]> {
  await using server = await startServer("runner-server", { data: [sampleFile] });
  await using grpcServer = await startServer("grpc-js");
  await using ours = startClient();
  await using connectNode = startClient();
  await using connectWeb = startClient();
  await using sdk = startClient();
  await using grpc = startClient();

  const contest = (what: string, atOnce: number, goals: { grpc: number; connectNode: number }) =>
    holdContest({
      what,
      unit: { name: "calls/s", digits: 0 },
      subject: "load",
      rounds: 5,
      subjects: {
        "runner-service": calling(ours, "runner-client", server, atOnce),
        "connect-node": calling(connectNode, "connect-node", server, atOnce),
        "connect-web": calling(connectWeb, "connect-web", server, atOnce),
        "@gitpod/sdk": calling(sdk, "gitpod-sdk", server, atOnce),
        "grpc-js": calling(grpc, "grpc-js", grpcServer, atOnce),
      },
      comparisons: [
        { of: "runner-service", against: "grpc-js", goal: { atLeast: goals.grpc } },
        { of: "runner-service", against: "connect-node", goal: { atLeast: goals.connectNode } },
        { of: "runner-service", against: "connect-web" },
        { of: "runner-service", against: "@gitpod/sdk" },
      ],
    });
  return [
    await contest("one call at a time", 1, { grpc: 1, connectNode: 1.5 }),
    await contest("32 calls at a time", 32, { grpc: 1.5, connectNode: 3 }),
  ];
}

function startClient(): Child {
  return startChild("load", "clients/client-process.ts");
}

function calling(process: Child, client: string, server: Server, atOnce: number): Measure {
  const load: ClientLoad = { client, port: server.port, serverPid: server.pid, atOnce };
  return () => process.ask<Sample>(load);
}
