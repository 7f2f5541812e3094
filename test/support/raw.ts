import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A bare connection, for what no well-behaved client would send. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that has arrived so far, as latin1. */
  readonly received: string;
  /** Resolves once all that has arrived matches. */
  until(pattern: RegExp): Promise<void>;
  /** Resolves once the server has closed the connection. */
  readonly closed: Promise<void>;
}

/** Connects to a port on loopback. The connection ends with the test at the latest. */
export async function connectRaw(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: "127.0.0.1" });
  let received = "";
  socket.setEncoding("latin1").on("data", (text) => {
    received += text;
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
        const look = () => {
          if (pattern.test(received)) {
            socket.off("data", look);
            resolve();
          }
        };
        socket.on("data", look);
        closed.then(() => reject(new Error(`closed before ${pattern}: ${received}`)));
        look();
      }),
  };
}

/** A POST of JSON to GetRunner, as it goes over the wire. */
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
