import { connect } from "node:net";
import type { WireRequest } from "../request.ts";
import type { Connection, ResponseSummary } from "./connection.ts";

// RFC 9113 defines frames, flags and the preface; RFC 7541 defines header blocks (HPACK).
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
/** `:status: 200` is an indexed field: the bit 0x80, and index 8 of the static table of HPACK. */
const status200 = 0x88;
/** The flow-control window of the connection, in bytes. */
const windowSize = 1 << 24;

/**
 * Opens a cleartext HTTP/2 connection for as many concurrent calls as the server
 * accepts. Like {@link openHttp1}, it does as little as possible.
 */
export function openHttp2(
  port: number,
  request: WireRequest,
  onResponse: (response: ResponseSummary) => void,
): Promise<Connection> {
  const headers = encodeHeaders(request, port);
  // Only the stream id differs between calls.
  const call = Buffer.concat([
    encodeFrame(type.headers, flag.endHeaders, 1, headers),
    encodeFrame(type.data, flag.endStream, 1, request.body),
  ]);
  const dataFrameOffset = frameHeaderLength + headers.length;
  const streams = new Map<number, { status: number; bodyLength: number }>();
  let lastStream = -1;
  let received = 0;
  let closed = false;

  return new Promise((resolve) => {
    const parse = createFrameParser((kind, flags, stream, payload) => {
      if (kind === type.headers || kind === type.data) {
        onStreamFrame(kind, flags, stream, payload);
      } else if (kind === type.settings && (flags & flag.ack) === 0) {
        socket.write(encodeFrame(type.settings, flag.ack, 0));
      } else if (kind === type.ping && (flags & flag.ack) === 0) {
        socket.write(encodeFrame(type.ping, flag.ack, 0, payload));
      } else if (kind === type.rstStream || kind === type.goAway) {
        throw new Error("the server rejected HTTP/2 calls");
      }
    });
    const socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: Buffer.alloc(64 * 1024),
        callback(length, bytes) {
          // Writes caused by the responses in one chunk are sent together.
          socket.cork();
          parse((bytes as Buffer).subarray(0, length));
          socket.uncork();
          return true;
        },
      },
    });
    socket.once("connect", () => {
      socket.write(
        Buffer.concat([preface, encodeFrame(type.settings, 0, 0), encodeWindowUpdate(windowSize)]),
      );
      resolve({
        send() {
          lastStream += 2;
          const bytes = Buffer.from(call);
          bytes.writeUInt32BE(lastStream, 5);
          bytes.writeUInt32BE(lastStream, dataFrameOffset + 5);
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
      const response = streams.get(stream);
      if (response === undefined || (flags & flag.padded) !== 0) {
        throw new Error("the server sent an HTTP/2 frame that the load does not support");
      }
      if (kind === type.data) {
        response.bodyLength += payload.length;
        received += payload.length;
        if (received > windowSize / 2) {
          socket.write(encodeWindowUpdate(received));
          received = 0;
        }
      } else if (response.status === 0) {
        response.status = payload[0] === status200 ? 200 : Number.NaN;
      }
      if ((flags & flag.endStream) !== 0) {
        streams.delete(stream);
        onResponse(response);
      }
    }
  });
}

/** Creates a streaming parser, which takes chunks and reports each complete frame in them. */
export function createFrameParser(
  onFrame: (kind: number, flags: number, stream: number, payload: Buffer) => void,
): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let offset = 0;
    while (bytes.length - offset >= frameHeaderLength) {
      const start = offset + frameHeaderLength;
      const end = start + bytes.readUIntBE(offset, 3);
      if (end > bytes.length) {
        break;
      }
      const kind = bytes.readUInt8(offset + 3);
      const flags = bytes.readUInt8(offset + 4);
      const stream = bytes.readUInt32BE(offset + 5);
      onFrame(kind, flags, stream, bytes.subarray(start, end));
      offset = end;
    }
    // A copy: the next chunk overwrites this one.
    rest = Buffer.from(bytes.subarray(offset));
  };
}

function encodeFrame(
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

function encodeWindowUpdate(bytes: number): Buffer {
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(bytes);
  return encodeFrame(type.windowUpdate, 0, 0, increment);
}

/** Encodes headers as literals without indexing, so that every call can use the same block. */
function encodeHeaders({ method, path, headers }: WireRequest, port: number): Buffer {
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
      encodeHpackString(name.toLowerCase()),
      encodeHpackString(value),
    ]),
  );
}

function encodeHpackString(text: string): Buffer {
  if (text.length > 126) {
    throw new Error(`the header name or value does not fit a one-byte HPACK length: ${text}`);
  }
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
}
