import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { getRunnerPath, runner, unknownId } from "./server.ts";

/** The seed of the random requests: new for each run. Set HOSTILE_SEED to repeat a run. */
export const seed = Number(process.env.HOSTILE_SEED ?? Date.now() % 2 ** 31);

const random = createRandom(seed);
/** Returns a random integer from 0 to n - 1. */
const below = (n: number) => Math.floor(random() * n);
/** Picks one of the items, each with the same probability. */
export const oneOf = <T>(items: readonly T[]): T => items[below(items.length)] as T;
/** Returns true with this probability. */
export const chance = (probability: number) => random() < probability;
const bytes = (n: number) => Buffer.from(Array.from({ length: n }, () => below(256)));

/** A request that is well-formed HTTP but may have any content. */
export interface HostileRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer | null;
}

/** Generates a request with random, mostly invalid content. */
export function hostileRequest(): HostileRequest {
  const method = chance(0.75) ? "POST" : oneOf(["GET", "GET", "GET", "PUT", "OPTIONS", "HEAD"]);
  const query = method === "GET" || chance(0.05) ? hostileQuery() : "";
  const headers: Record<string, string> = {};
  const maybe = (probability: number, name: string, values: readonly string[]) => {
    if (chance(probability)) {
      headers[name] = oneOf(values);
    }
  };
  maybe(0.98, "content-type", contentTypes);
  maybe(0.1, "content-encoding", encodings);
  maybe(0.2, "grpc-encoding", encodings);
  maybe(0.3, "accept-encoding", [...encodings, "gzip, br", "*;q=0", ",,,", "x".repeat(1000)]);
  maybe(0.1, "grpc-accept-encoding", encodings);
  maybe(0.1, "connect-timeout-ms", [
    "1000",
    "0",
    "-1",
    "99999999999",
    "x",
    "1e3",
    " ",
    "9999999999",
  ]);
  maybe(0.1, "grpc-timeout", ["1S", "0n", "99999999H", "1", "S", "999999999S", "-1S"]);
  maybe(0.1, "connect-protocol-version", ["1", "2", "", "x"]);
  maybe(0.1, "x-request-id", ["a", "\xff", "x".repeat(500), "a b"]);
  maybe(0.1, "authorization", ["Bearer", "Bearer x", "Basic eDp5", "\xe9"]);
  maybe(0.05, "x-user-agent", ["\xff\xfe", "x".repeat(4000)]);
  const path = chance(0.85)
    ? oneOf([getRunnerPath, `/api${getRunnerPath}`])
    : oneOf(["/", "//", "/gitpod.v1.RunnerService/Nope", "/metrics", "/readyz", "/%00"]);
  const body = method === "POST" || method === "PUT" ? hostileBody(headers) : null;
  return { method, path: path + query, headers, body };
}

const ids = [runner.runnerId, runner.runnerId, runner.runnerId.toUpperCase(), unknownId];

/** Generates a request that is valid, or invalid in only one or two places. */
export function almostGoodRequest(): HostileRequest {
  const isBinary = chance(0.4);
  const id = oneOf(ids);
  const idBytes = Buffer.from(id);
  let body: Buffer = isBinary
    ? Buffer.concat([Buffer.of(0x0a, idBytes.length), idBytes])
    : Buffer.from(
        oneOf([
          `{"runnerId":"${id}"}`,
          ` { "runnerId" : "${id}" } `,
          `{"runner_id":"${id}"}`,
          `{"runnerId":"${id}","new":1}`,
          `{"runnerId":"x","runnerId":"${id}"}`,
          `{"runnerId":"\\u0064${id.slice(1)}"}`,
          `{"runnerId":"${id}"}`.padEnd(16_384 + below(3)),
          `["${id}"]`,
        ]),
      );
  if (chance(0.1)) {
    body = mutate(body);
  }
  const headers: Record<string, string> = {
    "content-type": isBinary ? "application/proto" : "application/json",
  };
  if (chance(0.5)) {
    headers["accept-encoding"] = oneOf(acceptedEncodings);
  }
  if (chance(0.1)) {
    headers["connect-timeout-ms"] = oneOf(["60000", "0", "060000", "9999999999", "1e3"]);
  }
  if (chance(0.1)) {
    headers["content-encoding"] = oneOf(["identity", "gzip"]);
  }
  if (chance(0.1)) {
    headers["content-type"] = oneOf(contentTypes);
  }
  if (chance(0.7)) {
    const query = chance(0.1) ? almostGoodQuery(isBinary, body) : "";
    return { method: "POST", path: (almostGoodPath() + query).slice(0, 10_000), headers, body };
  }
  if (chance(0.8)) {
    delete headers["content-type"];
  }
  const path = almostGoodPath() + almostGoodQuery(isBinary, body);
  // Longer ones would exceed the header limit and be rejected while the request is parsed.
  return { method: "GET", path: path.slice(0, 10_000), headers, body: null };
}

/** Returns the path of GetRunner, or one that is almost like it. */
export function almostGoodPath(): string {
  return chance(0.9)
    ? oneOf([getRunnerPath, `/api${getRunnerPath}`])
    : oneOf([
        `/${getRunnerPath}`,
        `/api/api${getRunnerPath}`,
        `/api/${getRunnerPath}`,
        `/API${getRunnerPath}`,
        `${getRunnerPath}/`,
        `${getRunnerPath};x`,
        `${getRunnerPath}%20`,
        `/./${getRunnerPath}`,
        getRunnerPath.replace("GetRunner", "%47etRunner"),
        getRunnerPath.replace("/GetRunner", "%2FGetRunner"),
        `http://127.0.0.1${getRunnerPath}`,
        `http://127.0.0.1:80/api${getRunnerPath}`,
      ]);
}

/**
 * Returns the query of a Connect GET: the usual one, or one that differs in a few places, such as
 * with several question marks, or with repeated, empty, encoded or unknown parameters.
 */
export function almostGoodQuery(isBinary: boolean, body: Buffer): string {
  let parameters = usualParameters(isBinary, body);
  let rest = "";
  let start = "?";
  while (chance(0.4)) {
    const at = below(parameters.length + 1);
    const insert = (parameter: string) => parameters.splice(at, 0, parameter);
    const change = (edit: (parameter: string) => string) => {
      parameters = parameters.map((parameter, index) =>
        index === at ? edit(parameter) : parameter,
      );
    };
    oneOf<() => void>([
      () => insert(oneOf(extraParameters)),
      () => insert(oneOf(extraParameters)),
      () => insert(oneOf(parameters)),
      () => insert(oneOf(usualParameters(isBinary, body))),
      () => insert(`message=${encodeURIComponent(`{"runnerId":"${oneOf(ids)}"}`)}`),
      () => parameters.splice(at, 1),
      () => parameters.reverse(),
      () => change((parameter) => parameter.replace(/^./, percentEncode)),
      () =>
        change((parameter) => parameter.replace(/=./, ([, first]) => `=${percentEncode(first)}`)),
      () => change((parameter) => parameter.replaceAll(/%[\dA-F]{2}/g, (hex) => hex.toLowerCase())),
      () => change((parameter) => parameter.replaceAll("%20", "+")),
      () => change((parameter) => parameter + oneOf(["=", "+", "%2B", "%", "%2", "%zz", "%ff"])),
      () => change((parameter) => parameter.replace("=", oneOf(["", "==", "=+", "%3D"]))),
      () => {
        start = oneOf(["??", "?&", "?x&", "#?", "%3F"]);
      },
      () => {
        // Looks like a complete query, but is the value of a parameter or a fragment.
        rest = oneOf(["&x=?", "&?", "?", "&x?", "#", "#?"]);
        rest += usualParameters(false, Buffer.from(`{"runnerId":"${oneOf(ids)}"}`)).join("&");
      },
    ])();
  }
  return start + parameters.join("&") + rest;
}

/** Returns the parameters that Connect's clients send. */
function usualParameters(isBinary: boolean, body: Buffer): string[] {
  const isBase64 = isBinary || chance(0.3);
  const text = isBase64
    ? body.toString(oneOf(["base64url", "base64"] as const))
    : encodeURIComponent(body.toString());
  const base64 = isBase64 ? ["base64=1"] : [];
  const encoding = `encoding=${isBinary ? "proto" : "json"}`;
  const message = `message=${chance(0.05) ? text.slice(1) : text}`;
  return oneOf([
    ["connect=v1", ...base64, encoding, message],
    ["connect=v1", encoding, ...base64, message],
    ["connect=v1", encoding, message],
  ]);
}

const extraParameters = [
  "",
  "x",
  "x=",
  "=x",
  "=",
  "x=1",
  "X=%",
  "connect=v2",
  "connect",
  "encoding=json",
  "encoding=proto",
  "encoding=",
  "base64",
  "base64=0",
  "base64=1",
  "compression=",
  "compression=identity",
  "compression=gzip",
  "message",
  "message=",
  "Message=1",
  "constructor=1",
];

function percentEncode(character = ""): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

const acceptedEncodings = [
  "gzip, deflate, br",
  "br, gzip",
  "br",
  "gzip",
  "br;q=1",
  "gzip;q=0",
  "gzip;q=0, br",
  "gzip,br;q=0.5",
  " , br ,",
  "GZIP",
  "x-gzip",
  "*",
  "identity",
  "identity;q=0",
  "",
];

const contentTypes = [
  "application/json",
  "application/json",
  "application/json; charset=utf-8",
  "application/json;charset=utf-16",
  "application/json;  charset=utf-8",
  "application/json; x=y",
  "application/json;",
  "application/json ",
  "Application/Json",
  "Application/Proto",
  "application/proto; charset=utf-8",
  "application/proto",
  "application/connect+json",
  "application/connect+proto",
  "application/grpc",
  "application/grpc",
  "application/grpc+proto",
  "application/grpc+json",
  "application/grpc-web",
  "application/grpc-web+proto",
  "application/grpc-web+json",
  "application/grpc-web-text",
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/",
  "APPLICATION/JSON",
  ";",
];

const encodings = [
  "gzip",
  "gzip",
  "br",
  "deflate",
  "identity",
  "zstd",
  "GZIP",
  "gzip, gzip",
  "\xff",
];

function hostileQuery(): string {
  const parameters = ["connect", "encoding", "base64", "compression", "message", "message", "x"];
  const values = [
    "v1",
    "v2",
    "json",
    "proto",
    "1",
    "0",
    "gzip",
    "br",
    "identity",
    "%",
    "%ff",
    "a",
    encodeURIComponent(json().toString("utf8")).slice(0, 3000),
    json().toString("base64url"),
    gzipSync(json()).toString("base64url"),
    "====",
    "\u00e9".normalize(),
  ];
  const chosen = chance(0.5)
    ? [
        "connect=v1",
        `encoding=${oneOf(["json", "proto", "xml"])}`,
        `base64=${oneOf(["0", "1"])}`,
        `message=${oneOf(values)}`,
      ]
    : Array.from({ length: below(6) }, () => `${oneOf(parameters)}=${oneOf(values)}`);
  return `?${chosen.join("&")}`.replace(/[^\x21-\x7e]/g, "");
}

const gzipBomb = gzipSync(Buffer.alloc(10_000_000));
const brotliBomb = brotliCompressSync(Buffer.alloc(10_000_000));
const fastCompression = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

function hostileBody(headers: Record<string, string>): Buffer {
  let body = oneOf([
    json,
    json,
    json,
    proto,
    () => bytes(below(200)),
    () => Buffer.alloc(0),
    large,
  ])();
  const compressed = headers["content-encoding"] ?? headers["grpc-encoding"];
  if (compressed !== undefined && chance(0.8)) {
    const isBrotli = compressed === "br";
    if (chance(0.2)) {
      body = isBrotli ? brotliBomb : gzipBomb;
    } else {
      body = isBrotli ? brotliCompressSync(body, fastCompression) : gzipSync(body);
    }
    if (chance(0.4)) {
      body = body.subarray(0, below(body.length + 1));
    }
    if (chance(0.2)) {
      body = mutate(body);
    }
  }
  if (headers["content-type"]?.includes("grpc") || headers["content-type"]?.includes("connect+")) {
    body = envelope(body);
  }
  return chance(0.1) ? mutate(body) : body;
}

function envelope(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(oneOf([0, 0, 0, 0, 1, 1, 2, 128, 255]), 0);
  head.writeUInt32BE(chance(0.8) ? message.length : oneOf([0, 1, 2 ** 31, 2 ** 32 - 1, 17]), 1);
  const whole = Buffer.concat([head, message]);
  return chance(0.1)
    ? Buffer.concat([whole, whole])
    : chance(0.1)
      ? whole.subarray(0, below(6))
      : whole;
}

function json(): Buffer {
  const value = oneOf<() => unknown>([
    () => runner.runnerId,
    () => runner.runnerId,
    () => unknownId,
    () => below(2 ** 31),
    () => 1e308,
    () => null,
    () => [runner.runnerId],
    () => ({ runnerId: runner.runnerId }),
    () => true,
    () => "\u0000",
    () => "\ud800",
    () => "x".repeat(below(5000)),
  ])();
  const text = oneOf<() => string>([
    () => JSON.stringify({ runnerId: value }),
    () => JSON.stringify({ runnerId: value }),
    () => JSON.stringify({ runner_id: value }),
    () => JSON.stringify({ runnerId: value, runner_id: value }),
    () => JSON.stringify({ runnerId: value, extra: { deep: [value] } }),
    () => JSON.stringify(value) ?? "undefined",
    () => `{"runnerId":${"9".repeat(below(1000))}}`,
    () => `{"x":${"[".repeat(below(8000))}`,
    () => `{"x":${"[".repeat(3000)}${"]".repeat(3000)}}`,
    () => `{"a":`.repeat(below(2000)),
    () => JSON.stringify({ runnerId: runner.runnerId }).slice(0, below(52)),
    () => `${JSON.stringify({ runnerId: runner.runnerId })}}`,
    () => `{"__proto__":{"runnerId":"${runner.runnerId}"}}`,
    () => `{"constructor":1,"toString":2,"runnerId":"${runner.runnerId}"}`,
    () => `\ufeff${JSON.stringify({ runnerId: runner.runnerId })}`,
  ])();
  return Buffer.from(text, oneOf(["utf8", "utf8", "utf8", "utf16le", "latin1"] as const));
}

function proto(): Buffer {
  const id = Buffer.from(oneOf([runner.runnerId, unknownId, "nope", ""]));
  const message = Buffer.concat([
    Buffer.of(oneOf([0x0a, 0x0a, 0x0a, 0x08, 0x0b, 0x12, 0xff]), id.length),
    id,
  ]);
  return oneOf([
    () => message,
    () => message.subarray(0, below(message.length + 1)),
    () => Buffer.concat([message, bytes(below(10))]),
    () => Buffer.alloc(below(2000), 0x0b),
    () => Buffer.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f),
    () => Buffer.of(0x0a, 0x02, 0xc3, 0x28),
  ])();
}

function large(): Buffer {
  return chance(0.05) ? Buffer.alloc(16 * 1024 + below(100_000), 0x20) : json();
}

/** Returns a copy with up to four bytes changed. */
export function mutate(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  for (let n = below(4); n >= 0 && copy.length > 0; n--) {
    copy[below(copy.length)] = below(256);
  }
  return copy;
}

/** Generates bytes that may be HTTP, or almost HTTP. */
export function hostileBytes(): Buffer {
  const valid = Buffer.from(
    `POST ${getRunnerPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 51\r\n\r\n{"runnerId":"${runner.runnerId}"}`,
  );
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const settings = Buffer.from("000000040000000000", "hex");
  return oneOf<() => Buffer>([
    () => bytes(below(300) + 1),
    () => mutate(valid),
    () => valid.subarray(0, below(valid.length)),
    () => Buffer.concat([valid, valid, bytes(50)]),
    () => Buffer.concat(Array(below(20) + 1).fill(valid)),
    () => Buffer.concat([preface, bytes(below(200))]),
    () => Buffer.concat([preface, settings, bytes(below(200))]),
    () =>
      mutate(Buffer.concat([preface, settings, Buffer.from("00000401050000000182848641", "hex")])),
    () => Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    () => Buffer.from("GET / HTTP/1.0\r\n\r\n"),
    () => Buffer.from("GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"),
    () =>
      Buffer.from(
        `POST ${getRunnerPath} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${oneOf(["zz\r\n", "5\r\nab", "ffffffffffffffff\r\n", "0\r\n\r\n", "1;x=y\r\n{\r\n0\r\nT: v\r\n\r\n"])}`,
      ),
    () =>
      Buffer.from(
        `POST ${getRunnerPath} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      ),
    () =>
      Buffer.from(
        `POST ${getRunnerPath} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${oneOf(["-1", "99999999999999999999", "1e3", "5, 6"])}\r\n\r\nhello`,
      ),
    () =>
      Buffer.from(
        `CONNECT ${oneOf(["example.com:80", "/", "x"])} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      ),
    () =>
      Buffer.from(
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
      ),
    () =>
      Buffer.from(
        `GET ${oneOf(["http://localhost/readyz", "*", "/\t", "/\u0080", "", "/?a b"])} HTTP/1.1\r\nHost: ${oneOf(["localhost", "", "a b", "[::1", "localhost:99999", "\xff"])}\r\n\r\n`,
        "latin1",
      ),
    () =>
      Buffer.from(
        `GET / HTTP/1.1\r\nHost: localhost\r\n${`X-${below(9)}: ${"y".repeat(300)}\r\n`.repeat(60)}\r\n`,
      ),
    () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
  ])();
}

/** Creates a deterministic generator of random numbers from 0 to 1 (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
