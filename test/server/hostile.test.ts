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

/** How many requests are well-formed HTTP with anything in them, and how many are any bytes at all. */
const httpRequests = 95_000;
const rawRequests = 6_000;

describe(`any bytes at all (seed ${seed})`, () => {
  test("no request is answered with an internal error, hangs, or does lasting harm", async () => {
    const server = await startServer({
      limits: { headersTimeoutMs: 1000, requestTimeoutMs: 2000, idleTimeoutMs: 5000 },
    });
    const pool = new Pool(server.url, {
      connections: 32,
      headersTimeout: 20_000,
      bodyTimeout: 20_000,
    });
    onTestFinished(() => pool.destroy());
    const surprises: string[] = [];
    const counts = new Map<string, number>();
    const count = (outcome: string) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1);

    async function sendHttp(n: number) {
      for (let i = 0; i < n; i++) {
        const request = hostileRequest();
        const { status, failure } = await send(pool, request);
        count(String(status));
        if (failure !== undefined) {
          surprises.push(`${failure}: ${JSON.stringify(request).slice(0, 500)}`);
        }
      }
    }
    async function sendRaw(n: number) {
      for (let i = 0; i < n; i++) {
        const request = hostileBytes();
        const answer = await sendBytes(server.port, request);
        count(answer.slice(0, 12));
        if (/^HTTP\/1\.1 5(?!04)/.test(answer) || answer === "hangs") {
          surprises.push(`${answer.slice(0, 80)}: ${JSON.stringify(request.toString("latin1"))}`);
        }
      }
    }
    const both = (share: number) =>
      Promise.all([
        ...Array.from({ length: 32 }, () => sendHttp(Math.ceil((share * httpRequests) / 32))),
        ...Array.from({ length: 16 }, () => sendRaw(Math.ceil((share * rawRequests) / 16))),
      ]);

    // The first tenth warms everything up that is kept for good.
    await both(0.1);
    const before = heapUsed();
    await both(0.9);
    const after = heapUsed();

    expect(surprises.slice(0, 10)).toEqual([]);
    expect((await post(server.url)).status).toBe(200);
    // Ninety thousand requests that left a hundred bytes each would show here.
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

/** Sends a request, and tells the status of the answer and what is wrong with that. */
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
          // What the gRPC specification asks for when a message says that it is
          // compressed and the headers do not say how.
          const isByTheBook = all.includes("do%20not%20know%20how%20to%20decompress");
          if (status >= 500 && status !== 501 && status !== 504) {
            resolve({ status, failure: `${status} ${text}` });
          } else {
            resolve(
              isInternal && !isByTheBook
                ? { status, failure: `${status} ${all.slice(0, 300)}` }
                : { status },
            );
          }
        },
        onError(error) {
          // What the client itself refuses to send never reached the server.
          const isOurs = "code" in error && error.code === "UND_ERR_INVALID_ARG";
          const isCutOff = /ECONNRESET|EPIPE|UND_ERR_SOCKET/.test(
            String((error as { code?: string }).code),
          );
          resolve(isOurs || isCutOff ? { status: -1 } : { status: -1, failure: String(error) });
        },
      },
    );
  });
}

/** Sends bytes over a connection of their own, and returns what comes back until that is closed. */
function sendBytes(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    // Most close their side at once; those that do not are let go by the server.
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

/** How much of the heap is in use, in bytes, once all that can be freed is. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
