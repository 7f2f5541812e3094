import type { Measure, Sample } from "../benchmark.ts";
import type { Child } from "../child.ts";
import { fetchVerified } from "../http-response.ts";
import type { Server } from "../servers/server.ts";
import type { Load } from "./load-process.ts";

/**
 * Returns a function that measures a server under a load from the process
 * `generator`. Verifies one full response first: under load, only the status and
 * the length are checked.
 */
export async function underLoad(
  generator: Child,
  { port, pid }: Server,
  load: Pick<Load, "request" | "rate" | "runners"> & Partial<Pick<Load, "protocol">>,
): Promise<Measure> {
  const { protocol = "http1" } = load;
  const { body } = await fetchVerified(protocol, port, load.request);
  const fullLoad: Load = { ...load, protocol, port, serverPid: pid, bodyLength: body.length };
  return () => generator.request<Sample>(fullLoad);
}
