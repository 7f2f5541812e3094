import { createRunnerClient } from "../../src/client/node.ts";
import { sampleId, token } from "../sample.ts";
import type { Connect } from "./call.ts";

/** Calls with the product's client. */
export const connect: Connect = (port) => {
  const client = createRunnerClient({ baseUrl: `http://127.0.0.1:${port}`, token });
  return async () => (await client.getRunner({ runnerId: sampleId })).runner?.name;
};
