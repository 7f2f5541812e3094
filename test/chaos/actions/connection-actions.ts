import { connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { Action, Lane } from "../lane.ts";

/** The number of connections that misbehave at the same time. */
const connections = 20;

const request = requestFor("00000000-0000-4000-8000-000000000000");
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Clients that send many requests and read no response. */
export const clientsThatNeverRead = misbehave(
  "clients that never read",
  (socket, { model, random }) => {
    socket.pause();
    // More than the buffers of the operating system take.
    socket.write(requestFor(random.pick(model.ids)).repeat(500));
  },
);

/** Slow and broken clients. */
export const connectionActions: readonly Action<undefined>[] = [
  misbehave("clients that send nothing", () => {}),
  misbehave("clients that send half a request", (socket, { random }) => {
    socket.write(request.slice(0, random.between(1, request.length - 1)));
  }),
  misbehave("clients that send garbage", (socket, { random }) => {
    const bytes = Array.from({ length: 1000 }, () => random.between(0, 255));
    socket.write(
      Buffer.concat([Buffer.from(random.pick(["", preface, request])), Buffer.from(bytes)]),
    );
  }),
  misbehave("clients that reset their connection", async (socket, { random }) => {
    socket.write(random.pick([request, request.repeat(10), request.slice(0, -5)]));
    await setTimeout(random.between(0, 20));
    socket.resetAndDestroy();
  }),
  clientsThatNeverRead,
  misbehave("clients that send a byte at a time", async (socket) => {
    for (let index = 0; index < 100 && !socket.destroyed; index++) {
      socket.write(request.charAt(index));
      await setTimeout(20);
    }
  }),
  {
    name: "clients that cancel all their streams",
    async run(lane) {
      const session = connectHttp2(lane.server.url);
      session.on("error", () => {});
      for (let index = 0; index < 100 && !session.destroyed; index++) {
        const stream = session.request({ ":method": "POST", ":path": "/" }, { endStream: false });
        stream.on("error", () => {});
        stream.close(constants.NGHTTP2_CANCEL);
        await setTimeout(index % 10 === 0 ? 1 : 0);
      }
      session.destroy();
    },
  },
];

/** Creates an action that opens connections and leaves them open for a while. */
function misbehave(
  name: string,
  run: (socket: Socket, lane: Lane) => void | Promise<void>,
): Action<undefined> {
  return {
    name,
    async run(lane) {
      const sockets = Array.from({ length: connections }, () => {
        const socket = connect(lane.server.port, "127.0.0.1");
        socket.on("error", () => {});
        return socket;
      });
      await Promise.all(sockets.map((socket) => run(socket, lane)));
      await lane.pause(500, 2000);
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}

function requestFor(runnerId: string): string {
  const body = JSON.stringify({ runnerId });
  return [
    "POST /gitpod.v1.RunnerService/GetRunner HTTP/1.1",
    "Host: 127.0.0.1",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `\r\n${body}`,
  ].join("\r\n");
}
