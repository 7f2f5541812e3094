import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { sampleId } from "../sample.ts";
import { authenticate, type Connect } from "./call.ts";

/** Calls with connect-web's transport: JSON over the fetch of Node.js. */
export const connect: Connect = (port) => {
  const transport = createConnectTransport({
    baseUrl: `http://127.0.0.1:${port}`,
    interceptors: [authenticate],
  });
  const client = createClient(RunnerService, transport);
  return async () => (await client.getRunner({ runnerId: sampleId })).runner?.name;
};
