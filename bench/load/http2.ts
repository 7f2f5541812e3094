import { connect } from "node:net";
import type { WireRequest } from "../request.ts";
import type { Answer, Connection } from "./connection.ts";

// Frames, flags and the preface are those of RFC 9113; header blocks those of RFC 7541.
const type = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
};
const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8 };
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const frameHeaderLength = 9;
/** `:status: 200` is 8 in the static table of HPACK: one byte, with the bit for an indexed field. */
const status200 = 0x88;
/** What is let in on the connection before it is granted again, in bytes. */
const window = 1 << 24;

/**
 * Opens a cleartext HTTP/2 connection, for as many calls at once as the server
 * takes. As {@link openHttp1}, it does as little as it can.
 */
export function openHttp2(
  port: number,
  request: WireRequest,
  onAnswer: (answer: Answer) => void,
): Promise<Connection> {
  const headers = headerBlock(request, port);
  // Only the stream's number differs from call to call.
  const call = Buffer.concat([
    frame(type.headers, flag.endHeaders, 1, headers),
    frame(type.data, flag.endStream, 1, request.body),
  ]);
  const secondFrame = frameHeaderLength + headers.length;
  const streams = new Map<number, { status: number; bodyLength: number }>();
  let lastStream = -1;
  let received = 0;
  let closed = false;

  return new Promise((resolve) => {
    const read = createFrameReader((kind, flags, stream, payload) => {
      if (kind === type.headers || kind === type.data) {
        onStreamFrame(kind, flags, stream, payload);
      } else if (kind === type.settings && (flags & flag.ack) === 0) {
        socket.write(frame(type.settings, flag.ack, 0));
      } else if (kind === type.ping && (flags & flag.ack) === 0) {
        socket.write(frame(type.ping, flag.ack, 0, payload));
      } else if (kind === type.rstStream || kind === type.goAway) {
        throw new Error("the server refuses HTTP/2 calls");
      }
    });
    const socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: Buffer.alloc(64 * 1024),
        callback(length, bytes) {
          // What the answers in one chunk lead to leaves together.
          socket.cork();
          read((bytes as Buffer).subarray(0, length));
          socket.uncork();
          return true;
        },
      },
    });
    socket.once("connect", () => {
      socket.write(Buffer.concat([preface, frame(type.settings, 0, 0), windowUpdate(window)]));
      resolve({
        send() {
          lastStream += 2;
          const bytes = Buffer.from(call);
          bytes.writeUInt32BE(lastStream, 5);
          bytes.writeUInt32BE(lastStream, secondFrame + 5);
          streams.set(lastStream, { status: 0, bodyLength: 0 });
          socket.write(bytes);
        },
        close() {
          closed = true;
          socket.destroy();
        },
      });
    });
    socket.once("close", () => {
      if (!closed) {
        throw new Error("the server closed a connection");
      }
    });

    function onStreamFrame(kind: number, flags: number, stream: number, payload: Buffer): void {
      const answer = streams.get(stream);
      if (answer === undefined || (flags & flag.padded) !== 0) {
        throw new Error("the server sends HTTP/2 frames that the load does not know");
      }
      if (kind === type.data) {
        answer.bodyLength += payload.length;
        received += payload.length;
        if (received > window / 2) {
          socket.write(windowUpdate(received));
          received = 0;
        }
      } else if (answer.status === 0) {
        answer.status = payload[0] === status200 ? 200 : Number.NaN;
      }
      if ((flags & flag.endStream) !== 0) {
        streams.delete(stream);
        onAnswer(answer);
      }
    }
  });
}

/** Creates what takes the bytes of a connection as they come, and tells of each frame in them. */
export function createFrameReader(
  onFrame: (kind: number, flags: number, stream: number, payload: Buffer) => void,
): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= frameHeaderLength) {
      const start = at + frameHeaderLength;
      const end = start + bytes.readUIntBE(at, 3);
      if (end > bytes.length) {
        break;
      }
      const stream = bytes.readUInt32BE(at + 5);
      onFrame(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), stream, bytes.subarray(start, end));
      at = end;
    }
    // The chunk is overwritten by the next one.
    rest = Buffer.from(bytes.subarray(at));
  };
}

function frame(
  kind: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(frameHeaderLength);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(kind, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function windowUpdate(bytes: number): Buffer {
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(bytes);
  return frame(type.windowUpdate, 0, 0, increment);
}

/** The headers of a request, each written out, so that the block is the same for every call. */
function headerBlock({ method, path, headers }: WireRequest, port: number): Buffer {
  const fields = {
    ":method": method,
    ":scheme": "http",
    ":authority": `127.0.0.1:${port}`,
    ":path": path,
    ...headers,
  };
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [
      Buffer.from([0]),
      hpackString(name.toLowerCase()),
      hpackString(value),
    ]),
  );
}

function hpackString(text: string): Buffer {
  if (text.length > 126) {
    throw new Error(`too long for a length of one byte: ${text}`);
  }
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
}
