import type { Interceptor } from "@connectrpc/connect";
import { token } from "../sample.ts";

/** Calls GetRunner for the sample and returns the runner's name. */
export type Call = () => Promise<string | undefined>;

/** The type of the export `connect` of each client in this folder. */
export type Connect = (port: number) => Call;

/** An interceptor that authenticates calls, for Connect's transports. */
export const authenticate: Interceptor = (next) => (request) => {
  request.header.set("Authorization", `Bearer ${token}`);
  return next(request);
};
