import type { Interceptor } from "@connectrpc/connect";
import { token } from "../sample.ts";

/** Calls GetRunner for the sample, and returns the runner's name. */
export type Call = () => Promise<string | undefined>;

/** What each of the clients in this folder exports, as `connect`. */
export type Connect = (port: number) => Call;

/** Authenticates calls of Connect's transports. */
export const authenticate: Interceptor = (next) => (request) => {
  request.header.set("Authorization", `Bearer ${token}`);
  return next(request);
};
