import { fetchAnswer } from "../answer.ts";
import type { Child } from "../child.ts";
import type { Measure, Sample } from "../contest.ts";
import type { Server } from "../servers/server.ts";
import type { Load } from "./load-process.ts";

/**
 * Measures how a server does under a load from the process `generator`. First
 * looks at a whole answer, as under load only status and length are looked at.
 */
export async function underLoad(
  generator: Child,
  { port, pid }: Server,
  load: Pick<Load, "request" | "rate" | "runners"> & Partial<Pick<Load, "protocol">>,
): Promise<Measure> {
  const { protocol = "http1" } = load;
  const { body } = await fetchAnswer(protocol, port, load.request);
  const whole: Load = { ...load, protocol, port, serverPid: pid, bodyLength: body.length };
  return () => generator.ask<Sample>(whole);
}
