import { type Child, startChild } from "../child.ts";

/** A server to measure, in a process of its own. */
export interface Server extends Child {
  readonly port: number;
}

/**
 * Starts one of the servers of this folder, on the server's core. The first
 * question that it is asked is how to be set up, and its answer is its port.
 */
export async function startServer(name: string, setUp: object = {}): Promise<Server> {
  const child = startChild("server", `servers/${name}.ts`);
  return { ...child, port: await child.ask<number>(setUp) };
}
