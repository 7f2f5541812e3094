import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { RunnerStore } from "../store/runner-store.ts";
import { createRunnerRoutes } from "./runner-routes.ts";

/** Options of {@link createRunnerServer}. */
export interface RunnerServerOptions {
  /** Where the runners come from. */
  readonly store: RunnerStore;
  /** The address to listen on. Default: `127.0.0.1`. */
  readonly host?: string;
  /** The port to listen on; 0 takes one that is free. Default: 8080. */
  readonly port?: number;
}

/** A server of RunnerService. */
export interface RunnerServer {
  /** Starts to listen, and returns the base URL that clients need. */
  start(): Promise<string>;
  /** Stops listening, lets the calls under way finish, and resolves when all are done. */
  close(): Promise<void>;
}

/** Creates a server of RunnerService over `options.store`. It listens once it is started. */
export function createRunnerServer(options: RunnerServerOptions): RunnerServer {
  const { host = "127.0.0.1", port = 8080 } = options;
  const server = createServer(connectNodeAdapter({ routes: createRunnerRoutes(options) }));
  return {
    start: () =>
      new Promise((resolve, reject) => {
        const fail = (error: NodeJS.ErrnoException) =>
          reject(
            error.code === "EADDRINUSE"
              ? new Error(`port ${port} on ${host} is taken: choose another`, { cause: error })
              : error,
          );
        server.once("error", fail);
        server.listen(port, host, () => {
          server.off("error", fail);
          const address = server.address() as AddressInfo;
          resolve(`http://${host.includes(":") ? `[${host}]` : host}:${address.port}`);
        });
      }),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
      }),
  };
}
