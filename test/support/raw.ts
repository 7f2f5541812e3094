import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A bare TCP connection, for requests that no well-behaved client would send. */
export interface RawConnection {
  readonly socket: Socket;
  /** The data received so far, as latin1. */
  readonly received: string;
  /** Resolves once the received data matches. Rejects if the connection closes first. */
  until(pattern: RegExp): Promise<void>;
  /** Resolves once the server has closed the connection. */
  readonly closed: Promise<void>;
}

/** Connects to a port on loopback. The connection closes at the end of the test at the latest. */
export async function connectRaw(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: "127.0.0.1" });
  let received = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    received += chunk;
  });
  socket.on("error", () => {});
  const closed = once(socket, "close").then(() => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return {
    socket,
    get received() {
      return received;
    },
    closed,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (pattern.test(received)) {
            socket.off("data", check);
            resolve();
          }
        };
        socket.on("data", check);
        closed.then(() => reject(new Error(`closed before ${pattern}: ${received}`)));
        check();
      }),
  };
}

/** Returns a JSON POST to GetRunner as it is on the wire. */
export function rawPost(body: string, headers: readonly string[] = []): string {
  return [
    "POST /gitpod.v1.RunnerService/GetRunner HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    "",
    body,
  ].join("\r\n");
}
