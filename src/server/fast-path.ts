import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { GetRunnerRequestSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { passesRulePrecheck } from "../runner/rule-precheck.ts";
import type { EncodedRunner, WireCompression, WireFormat } from "../store/encoded-runner.ts";
import type { RunnerStore } from "../store/runner-store.ts";
import { callerDisconnected } from "./caller-disconnected.ts";
import type { Exchange, RequestHead } from "./http/exchange.ts";
import type { CachedResponse } from "./http/http1-fast-path.ts";
import { createLazyTimeout } from "./http/lazy-timeout.ts";
import type { ServerLimits } from "./http/limits.ts";
import { memoize } from "./http/memoize.ts";
import { collectBody } from "./http/request-body.ts";
import type { BufferedRequest } from "./http/request-parser.ts";
import type { Call } from "./observability/call.ts";
import { requestIdHeader } from "./observability/request-id.ts";

/**
 * The short path of GetRunner: it answers a unary Connect call whose answer is at
 * hand, with success, and nothing else. What it does not answer it hands on, with
 * the body if that is read already, to Connect's own handler: so errors and
 * protocols have one author, and the two can disagree on success only, which
 * test/server/fast-path.test.ts sees to that they do not.
 */
export interface FastPath {
  /** Answers a call, and ends it, or hands it on. */
  serve(
    exchange: Exchange,
    call: Call,
    end: (code: string) => void,
    fallThrough: (body?: () => Promise<Buffer>) => void,
  ): void;
  /** The answer to a request, if it is at hand. */
  find(request: BufferedRequest): FastPathResponse | undefined;
}

/** The answer to a call of GetRunner, the request id aside. */
export interface FastPathResponse extends CachedResponse {
  /** The id that was asked for, as the caller wrote it. */
  readonly runnerId: string;
}

/** Options of {@link createFastPath}. */
export interface FastPathOptions {
  readonly store: RunnerStore;
  /** Tells why a request is not let in, if it is not. */
  readonly refuse: (request: RequestHead) => ConnectError | undefined;
  readonly limits: ServerLimits;
}

const timeoutHeader = "connect-timeout-ms";

/** As few bytes as Connect's handlers leave uncompressed. */
const compressMinBytes = 1024;

const contentTypeOf = { json: "application/json", proto: "application/proto" } as const;

const { runnerId: runnerIdField } = GetRunnerRequestSchema.field;

/** Creates the short path of GetRunner over a store, undefined if the store has nothing at hand. */
export function createFastPath(options: FastPathOptions): FastPath | undefined {
  const { limits, refuse, store } = options;
  if (store.peek === undefined) {
    return undefined;
  }
  const peek = store.peek.bind(store);
  const preparers = createPreparers();
  const limitTime = createLazyTimeout();

  /** Whether a call may be one for the short path, as far as its headers say. */
  function mayAnswer(request: RequestHead): boolean {
    const { method, headers } = request;
    return (
      (method === "GET" ||
        (method === "POST" && formatOf(headers["content-type"]) !== undefined)) &&
      isPlain(request) &&
      refuse(request) === undefined
    );
  }

  /** Looks for the answer to a call that may be one; `body` has a character for each byte. */
  function look(request: RequestHead, body: string): FastPathResponse | undefined {
    const { method, headers } = request;
    const asked =
      method === "GET"
        ? askedInQuery(request)
        : { format: formatOf(headers["content-type"]), text: body };
    if (asked?.format === undefined || asked.text.length > limits.maxBodyBytes) {
      return undefined;
    }
    const { format, text } = asked;
    const runnerId = format === "json" ? idInJson(text) : idInBinary(text);
    const runner = runnerId === undefined ? undefined : peek(runnerId.toLowerCase());
    if (runnerId === undefined || runner === undefined) {
      return undefined;
    }
    const prepared = preparers[format][negotiate(headers["accept-encoding"])](runner);
    if (prepared === undefined || method !== "GET") {
      return prepared && { runnerId, ...prepared };
    }
    return {
      runnerId,
      headers: [...prepared.headers, "vary", "Accept-Encoding"],
      body: prepared.body,
    };
  }

  return {
    find: (request) => (mayAnswer(request) ? look(request, request.body) : undefined),

    serve(exchange, call, end, fallThrough) {
      if (!mayAnswer(exchange)) {
        fallThrough();
        return;
      }
      if (exchange.method === "GET") {
        if (!answer("")) {
          fallThrough();
        }
        return;
      }
      const stop = collectBody(exchange.body, limits.maxBodyBytes, (body) => {
        arrived?.();
        if (body === undefined) {
          fallThrough(() => Promise.reject(callerDisconnected()));
        } else if (!answer(body.toString("latin1"))) {
          fallThrough(() => Promise.resolve(body));
        }
      });
      const patienceMs = patience(exchange, limits);
      const arrived =
        patienceMs === undefined
          ? undefined
          : limitTime(patienceMs, () => {
              stop();
              fallThrough(() =>
                Promise.reject(new ConnectError("the operation timed out", Code.DeadlineExceeded)),
              );
            });

      function answer(body: string): boolean {
        const found = look(exchange, body);
        if (found === undefined) {
          return false;
        }
        call.runnerId = found.runnerId;
        exchange.respond([...found.headers, requestIdHeader, call.requestId], found.body);
        end("ok");
        return true;
      }
    },
  };
}

/**
 * Prepares the answer with a version of a runner. Returns undefined if a request for it, which is the
 * same for each in either case, is not plainly valid by the contract's own rules.
 */
type Prepare = (runner: EncodedRunner) => CachedResponse | undefined;

/** In each format and compression, so many answers are kept ready. */
const maxPrepared = 256;

/** Creates what prepares answers, and has those at hand that were asked for lately. */
function createPreparers(): Record<WireFormat, Record<WireCompression, Prepare>> {
  const createAll = (format: WireFormat) => ({
    identity: createPreparer(format, "identity"),
    gzip: createPreparer(format, "gzip"),
    br: createPreparer(format, "br"),
  });
  return { json: createAll("json"), proto: createAll("proto") };
}

function createPreparer(format: WireFormat, compression: WireCompression): Prepare {
  let prepared = new Map<EncodedRunner, CachedResponse>();
  return (runner) => {
    let answer = prepared.get(runner);
    if (answer === undefined && isValid(runner)) {
      if (prepared.size === maxPrepared) {
        // Not cleared: V8 then links what was in it to what comes, and all of that grows old.
        prepared = new Map();
      }
      answer = prepareAnswer(runner, format, compression);
      prepared.set(runner, answer);
    }
    return answer;
  };
}

function isValid({ runnerId }: EncodedRunner): boolean {
  return passesRulePrecheck(GetRunnerRequestSchema, create(GetRunnerRequestSchema, { runnerId }));
}

function prepareAnswer(
  runner: EncodedRunner,
  format: WireFormat,
  accepted: WireCompression,
): CachedResponse {
  const plain = runner.encode(format, "identity");
  const isCompressed = accepted !== "identity" && plain.length >= compressMinBytes;
  const body = isCompressed ? runner.encode(format, accepted) : plain;
  return {
    body,
    headers: [
      "content-type",
      contentTypeOf[format],
      "content-length",
      `${body.length}`,
      ...(isCompressed ? ["content-encoding", accepted] : []),
    ],
  };
}

/** How long a call may take, in milliseconds, if nobody else sees to that; Node.js does over HTTP/1.1. */
function patience(
  { headers, httpVersionMajor }: Exchange,
  { requestTimeoutMs }: ServerLimits,
): number | undefined {
  const timeout = headers[timeoutHeader];
  return timeout === undefined && httpVersionMajor === 1
    ? undefined
    : Math.min(requestTimeoutMs, Number(timeout ?? requestTimeoutMs));
}

function formatOf(contentType: string | undefined): WireFormat | undefined {
  switch (contentType) {
    case contentTypeOf.json:
      return "json";
    case contentTypeOf.proto:
      return "proto";
    default:
      return undefined;
  }
}

/** Whether nothing in the headers asks for what the short path does not do. */
function isPlain({ headers }: RequestHead): boolean {
  const timeout = headers[timeoutHeader];
  return (
    headers["content-encoding"] === undefined &&
    (timeout === undefined || /^[1-9]\d{0,8}$/.test(String(timeout)))
  );
}

/** What JSON takes for white space (RFC 8259, section 2). */
const space = "[ \\t\\n\\r]*";

/** A request in JSON that has an id and nothing else, not even an escape. */
const jsonPattern = new RegExp(
  ["^", "{", `"${runnerIdField.jsonName}"`, ":", '"([\\w-]+)"', "}", "$"].join(space),
);

/** The id in a request in JSON: only in one that has nothing else in it. */
function idInJson(text: string): string | undefined {
  return jsonPattern.exec(text)?.[1];
}

/** What a request in binary begins with: the number of the field, and that a length follows. */
const binaryTag = (runnerIdField.number << 3) | 2;

/** The id in a request in binary, a byte a character: only in one that has nothing else in it. */
function idInBinary(text: string): string | undefined {
  const length = text.charCodeAt(1);
  return text.charCodeAt(0) === binaryTag && length < 128 && text.length === length + 2
    ? text.slice(2)
    : undefined;
}

/** Chooses the compression as Connect does: the first that the caller names and the server has. */
const negotiate = memoize((acceptEncoding: string | undefined): WireCompression => {
  const names = (acceptEncoding ?? "").split(",").map((name) => name.trim());
  return names.find((name) => name === "gzip" || name === "br") ?? "identity";
});

/** The query of a GET that has all that it needs and nothing else; Connect's clients put base64 first. */
const queryPattern =
  /\?connect=v1(&base64=1)?&encoding=(json|proto)(&base64=1)?&message=([\w%.~!*'()-]+)$/;

/** What a GET asks for; undefined if it is out of the ordinary. */
function askedInQuery({
  headers,
  url,
}: RequestHead): { format: WireFormat; text: string } | undefined {
  const [, base64First, format, base64Last, message = ""] = queryPattern.exec(url) ?? [];
  if (format === undefined || headers["content-type"] !== undefined) {
    return undefined;
  }
  const isBase64 = base64First !== undefined || base64Last !== undefined;
  // Of base64, no more than what has one meaning only; padding has none here.
  if (isBase64 && (!/^[\w-]+$/.test(message) || message.length % 4 === 1)) {
    return undefined;
  }
  try {
    const text = isBase64
      ? Buffer.from(message, "base64url").toString("latin1")
      : decodeURIComponent(message);
    return { format: format as WireFormat, text };
  } catch {
    return undefined;
  }
}
