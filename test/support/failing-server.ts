import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A request, as the server got it. */
export interface ReceivedRequest {
  readonly at: number;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Answers a request, or does not. */
export type Behaviour = (response: ServerResponse) => void;

/** A server that fails as it is told. */
export interface FailingServer extends AsyncDisposable {
  readonly url: string;
  /** What it got so far. */
  readonly requests: readonly ReceivedRequest[];
  /** The connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
}

/**
 * Starts a server on a free port that treats each request with the next of
 * `behaviours`, and each further one with the last. `now` gives the time that
 * requests are stamped with.
 */
export async function startFailingServer(
  behaviours: readonly Behaviour[],
  now: () => number = Date.now,
): Promise<FailingServer> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  // Connections are kept long: a process that they hold does not end by itself.
  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    const { method, url, headers } = request;
    const chunks = await request.toArray();
    const behaviour = behaviours[Math.min(requests.length, behaviours.length - 1)];
    requests.push({ at: now(), method, url, headers, body: Buffer.concat(chunks).toString() });
    behaviour?.(response);
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

/** Answers with a status, headers and a body: an object as JSON, anything else as it is. */
export function answer(
  status: number,
  body: object | string | Uint8Array = "",
  headers: Record<string, string | string[]> = {},
): Behaviour {
  const isBytes = typeof body === "string" || body instanceof Uint8Array;
  return (response) => {
    response.writeHead(status, {
      ...(!isBytes && { "Content-Type": "application/json" }),
      ...headers,
    });
    response.end(isBytes ? body : JSON.stringify(body));
  };
}

/** Answers nothing, ever. */
export const stall: Behaviour = () => {};

/** Begins to answer, and says no more. */
export const stallMidway: Behaviour = (response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "1000" });
  response.write('{"runner":');
};

/** Drops the connection instead of an answer. */
export const reset: Behaviour = (response) => {
  response.socket?.resetAndDestroy();
};

/** Begins to answer, then drops the connection. */
export const resetMidway: Behaviour = (response) => {
  stallMidway(response);
  setImmediate(() => response.socket?.destroy());
};

/** Returns the URL of a port on which nobody listens. */
export async function urlOfNobody(): Promise<string> {
  const server = await startFailingServer([stall]);
  await server[Symbol.asyncDispose]();
  return server.url;
}
