import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A request that the server received. */
export interface ReceivedRequest {
  /** When it was received, in milliseconds since the epoch. */
  readonly at: number;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Responds to a request, or fails to. */
export type Behavior = (response: ServerResponse) => void;

/** A server that fails in a scripted way. */
export interface FailingServer extends AsyncDisposable {
  readonly url: string;
  /** The requests received so far. */
  readonly requests: readonly ReceivedRequest[];
  /** The open connections. */
  readonly sockets: ReadonlySet<Socket>;
}

/**
 * Starts a server on a free port. Each request gets the next of `behaviors`;
 * when all have been used, requests get the last one. `now` is the clock for
 * {@link ReceivedRequest.at}.
 */
export async function startFailingServer(
  behaviors: readonly Behavior[],
  now: () => number = Date.now,
): Promise<FailingServer> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  // A long keep-alive, so that a client that does not close its connections cannot exit.
  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    const { method, url, headers } = request;
    const chunks = await request.toArray();
    const behavior = behaviors[Math.min(requests.length, behaviors.length - 1)];
    requests.push({ at: now(), method, url, headers, body: Buffer.concat(chunks).toString() });
    behavior?.(response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Creates a behavior that responds. An object is sent as JSON, other bodies as they are. */
export function respond(
  status: number,
  body: object | string | Uint8Array = "",
  headers: Record<string, string | string[]> = {},
): Behavior {
  const isBytes = typeof body === "string" || body instanceof Uint8Array;
  return (response) => {
    response.writeHead(status, {
      ...(!isBytes && { "Content-Type": "application/json" }),
      ...headers,
    });
    response.end(isBytes ? body : JSON.stringify(body));
  };
}

/** Never responds. */
export const stall: Behavior = () => {};

/** Sends the start of a response, and then nothing more. */
export const stallMidway: Behavior = (response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "1000" });
  response.write('{"runner":');
};

/** Resets the connection instead of responding. */
export const reset: Behavior = (response) => {
  response.socket?.resetAndDestroy();
};

/** Sends the start of a response, then closes the connection. */
export const resetMidway: Behavior = (response) => {
  stallMidway(response);
  setImmediate(() => response.socket?.destroy());
};

/** Returns a URL with a port that nothing listens on. */
export async function getUnreachableUrl(): Promise<string> {
  const server = await startFailingServer([stall]);
  await server[Symbol.asyncDispose]();
  return server.url;
}
