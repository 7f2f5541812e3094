import { createConnection } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Pool } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  chance,
  type HostileRequest,
  hostileBytes,
  hostileRequest,
  seed,
} from "../support/hostile-requests.ts";
import { post, startServer } from "../support/server.ts";

/** The number of well-formed HTTP requests with arbitrary content. */
const httpRequests = 95_000;
/** The number of requests of arbitrary bytes. */
const rawRequests = 6_000;

describe(`arbitrary requests (seed ${seed})`, () => {
  test("cause no internal error, no hang and no memory leak", async () => {
    const server = await startServer({
      limits: { headersTimeoutMs: 1000, requestTimeoutMs: 2000, idleTimeoutMs: 5000 },
    });
    const pool = new Pool(server.url, {
      connections: 32,
      headersTimeout: 20_000,
      bodyTimeout: 20_000,
    });
    onTestFinished(() => pool.destroy());
    const failures: string[] = [];
    const counts = new Map<string, number>();
    const count = (outcome: string) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1);

    async function sendHttp(n: number) {
      for (let i = 0; i < n; i++) {
        const request = hostileRequest();
        const { status, failure } = await send(pool, request);
        count(String(status));
        if (failure !== undefined) {
          failures.push(`${failure}: ${JSON.stringify(request).slice(0, 500)}`);
        }
      }
    }
    async function sendRaw(n: number) {
      for (let i = 0; i < n; i++) {
        const request = hostileBytes();
        const response = await sendBytes(server.port, request);
        count(response.slice(0, 12));
        if (/^HTTP\/1\.1 5(?!04)/.test(response) || response === "hangs") {
          failures.push(`${response.slice(0, 80)}: ${JSON.stringify(request.toString("latin1"))}`);
        }
      }
    }
    const sendShare = (share: number) =>
      Promise.all([
        ...Array.from({ length: 32 }, () => sendHttp(Math.ceil((share * httpRequests) / 32))),
        ...Array.from({ length: 16 }, () => sendRaw(Math.ceil((share * rawRequests) / 16))),
      ]);

    // The first tenth allocates everything that stays allocated permanently.
    await sendShare(0.1);
    const before = heapUsed();
    await sendShare(0.9);
    const after = heapUsed();

    expect(failures.slice(0, 10)).toEqual([]);
    expect((await post(server.url)).status).toBe(200);
    // Ninety thousand requests that leak a hundred bytes each exceed this.
    expect(after - before).toBeLessThan(9_000_000);
    const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
    expect(total).toBeGreaterThanOrEqual(100_000);
    console.info(
      `${total} requests:`,
      Object.fromEntries([...counts].sort((a, b) => b[1] - a[1])),
      `heap ${(before / 1e6).toFixed(1)} MB before, ${(after / 1e6).toFixed(1)} MB after`,
    );
  }, 300_000);
});

/** Sends a request, and returns the status, and the failure if the server misbehaves. */
function send(
  pool: Pool,
  { method, path, headers, body }: HostileRequest,
): Promise<{ status: number; failure?: string }> {
  return new Promise((resolve) => {
    let status = 0;
    let contentType = "";
    let text = "";
    pool.dispatch(
      { method: method as "GET", path, headers, body },
      {
        onConnect() {},
        onHeaders(statusCode, rawHeaders) {
          status = statusCode;
          const names = rawHeaders.map(String);
          contentType = names[names.findIndex((name) => /^content-type$/i.test(name)) + 1] ?? "";
          return true;
        },
        onData(chunk) {
          text += chunk.toString("latin1");
          return true;
        },
        onComplete(trailers) {
          const all = `${trailers?.map(String).join(" ")} ${text}`;
          const isInternal =
            /grpc-status:? *(2|13)\b/i.test(all) ||
            (contentType.includes("json") && /"code":"(internal|unknown)"/.test(text));
          // The gRPC specification requires an internal error if a message is marked as compressed
          // and no header names the compression.
          const isRequiredByGrpc = all.includes("do%20not%20know%20how%20to%20decompress");
          if (status >= 500 && status !== 501 && status !== 504) {
            resolve({ status, failure: `${status} ${text}` });
          } else {
            resolve(
              isInternal && !isRequiredByGrpc
                ? { status, failure: `${status} ${all.slice(0, 300)}` }
                : { status },
            );
          }
        },
        onError(error) {
          // The client refuses to send some requests, so they never reach the server.
          const isRefusedByClient = "code" in error && error.code === "UND_ERR_INVALID_ARG";
          const isDisconnected = /ECONNRESET|EPIPE|UND_ERR_SOCKET/.test(
            String((error as { code?: string }).code),
          );
          resolve(
            isRefusedByClient || isDisconnected
              ? { status: -1 }
              : { status: -1, failure: String(error) },
          );
        },
      },
    );
  });
}

/** Sends bytes over a new connection, and returns everything received until it is closed. */
function sendBytes(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    // Most connections are half-closed by the client; the server must close the others.
    const halfClose = chance(0.95);
    const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    const timer = setTimeout(() => {
      socket.destroy();
      resolve("hangs");
    }, 30_000);
    socket.setEncoding("latin1").on("data", (text) => {
      received += text;
      if (received.length > 10_000 || !halfClose) {
        socket.destroy();
      }
    });
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(received === "" ? "closed" : received);
    });
    socket.write(request);
    if (halfClose) {
      socket.end();
    }
  });
}

/** Returns the size of the used heap after garbage collection, in bytes. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
