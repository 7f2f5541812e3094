import Gitpod from "@gitpod/sdk";
import { sampleId, token } from "../sample.ts";
import type { Connect } from "./call.ts";

/** Calls with the vendor's SDK: JSON over the fetch of Node.js. */
export const connect: Connect = (port) => {
  const client = new Gitpod({ baseURL: `http://127.0.0.1:${port}`, bearerToken: token });
  return async () => (await client.runners.retrieve({ runnerId: sampleId })).runner.name;
};
