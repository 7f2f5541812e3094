import { type Child, startChild } from "../child.ts";

/** A server to measure, in its own process. */
export interface Server extends Child {
  readonly port: number;
}

/**
 * Starts one of the servers in this folder, pinned to the server's core. The first
 * request contains the options of the server, and the response is its port.
 */
export async function startServer(name: string, options: object = {}): Promise<Server> {
  const child = startChild("server", `servers/${name}.ts`);
  return { ...child, port: await child.request<number>(options) };
}
