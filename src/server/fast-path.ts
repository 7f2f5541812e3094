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
 * The fast path of GetRunner. It bypasses Connect's handlers for unary Connect calls that succeed and
 * whose response is cached. All other calls fall through to Connect's handlers, with the body if it
 * has already been read. So errors and protocols are implemented in one place, and the two paths can
 * differ only in successful responses. The differential test in test/server/fast-path.test.ts checks
 * that they do not.
 */
export interface FastPath {
  /**
   * Serves a call and ends it, or calls `fallThrough`: with the body if it has been read, and with
   * the error if code of the caller's own, such as the store, has thrown one.
   */
  serve(
    exchange: Exchange,
    call: Call,
    end: (code: string) => void,
    fallThrough: (body?: () => Promise<Buffer>, error?: unknown) => void,
  ): void;
  /**
   * Returns the cached response to a request, if there is one. Throws what code of the caller's own
   * throws.
   */
  findCachedResponse(request: BufferedRequest): FastPathResponse | undefined;
}

/** The response to a call of GetRunner, without the request id. */
export interface FastPathResponse extends CachedResponse {
  /** The requested id, as the caller wrote it. */
  readonly runnerId: string;
}

/** Options of {@link createFastPath}. */
export interface FastPathOptions {
  readonly store: RunnerStore;
  /** Returns the error to reject the request with, or undefined if it is allowed. */
  readonly authorize: (request: RequestHead) => ConnectError | undefined;
  readonly limits: ServerLimits;
}

const timeoutHeader = "connect-timeout-ms";

/** Shorter responses are not compressed, as in Connect's handlers. In bytes. */
const compressMinBytes = 1024;

const contentTypeOf = { json: "application/json", proto: "application/proto" } as const;

const { runnerId: runnerIdField } = GetRunnerRequestSchema.field;

/** Creates the fast path of GetRunner, or returns undefined if the store has no `peek`. */
export function createFastPath(options: FastPathOptions): FastPath | undefined {
  const { limits, authorize, store } = options;
  if (store.peek === undefined) {
    return undefined;
  }
  const peek = store.peek.bind(store);
  const responseCaches = createResponseCaches();
  const startTimeout = createLazyTimeout();

  /** Returns whether the headers of a request allow the fast path. */
  function isEligible(request: RequestHead): boolean {
    const { method, headers } = request;
    return (
      (method === "GET" ||
        (method === "POST" && formatOf(headers["content-type"]) !== undefined)) &&
      hasSimpleHeaders(request) &&
      authorize(request) === undefined
    );
  }

  /** Finds the response to an eligible request. Each character of `body` is one byte (`latin1`). */
  function findResponse(request: RequestHead, body: string): FastPathResponse | undefined {
    const { method, headers } = request;
    const parsed =
      method === "GET"
        ? parseQuery(request)
        : { format: formatOf(headers["content-type"]), message: body };
    if (parsed?.format === undefined || parsed.message.length > limits.maxBodyBytes) {
      return undefined;
    }
    const { format, message } = parsed;
    const runnerId = format === "json" ? parseJsonRequest(message) : parseBinaryRequest(message);
    const runner = runnerId === undefined ? undefined : peek(runnerId.toLowerCase());
    if (runnerId === undefined || runner === undefined) {
      return undefined;
    }
    const compression = negotiateCompression(headers["accept-encoding"]);
    const response = responseCaches[format][compression](runner);
    if (response === undefined || method !== "GET") {
      return response && { runnerId, ...response };
    }
    return {
      runnerId,
      headers: [...response.headers, "vary", "Accept-Encoding"],
      body: response.body,
    };
  }

  return {
    findCachedResponse: (request) =>
      isEligible(request) ? findResponse(request, request.body) : undefined,

    serve(exchange, call, end, fallThrough) {
      try {
        if (!isEligible(exchange)) {
          fallThrough();
          return;
        }
      } catch (error) {
        fallThrough(undefined, error);
        return;
      }
      if (exchange.method === "GET") {
        respond("");
        return;
      }
      const stop = collectBody(exchange.body, limits.maxBodyBytes, (body) => {
        cancelTimeout?.();
        if (body === undefined) {
          fallThrough(() => Promise.reject(callerDisconnected()));
        } else {
          respond(body.toString("latin1"), () => Promise.resolve(body));
        }
      });
      const timeoutMs = timeLimitOf(exchange, limits);
      const cancelTimeout =
        timeoutMs === undefined
          ? undefined
          : startTimeout(timeoutMs, () => {
              stop();
              fallThrough(() =>
                Promise.reject(new ConnectError("the operation timed out", Code.DeadlineExceeded)),
              );
            });

      function respond(body: string, readBody?: () => Promise<Buffer>): void {
        let response: FastPathResponse | undefined;
        try {
          response = findResponse(exchange, body);
        } catch (error) {
          fallThrough(readBody, error);
          return;
        }
        if (response === undefined) {
          fallThrough(readBody);
          return;
        }
        call.runnerId = response.runnerId;
        exchange.respond([...response.headers, requestIdHeader, call.requestId], response.body);
        end("ok");
      }
    },
  };
}

/**
 * Returns the response with a version of a runner, from the cache or newly built. Returns undefined
 * if a request with the runner's id, in any letter case, may violate the rules of the contract.
 */
type ResponseCache = (runner: EncodedRunner) => CachedResponse | undefined;

/** The maximum number of responses in the cache of one format and compression. */
const maxCachedResponses = 256;

/** Creates a response cache for each format and compression. */
function createResponseCaches(): Record<WireFormat, Record<WireCompression, ResponseCache>> {
  const createAll = (format: WireFormat) => ({
    identity: createResponseCache(format, "identity"),
    gzip: createResponseCache(format, "gzip"),
    br: createResponseCache(format, "br"),
  });
  return { json: createAll("json"), proto: createAll("proto") };
}

function createResponseCache(format: WireFormat, compression: WireCompression): ResponseCache {
  let responses = new Map<EncodedRunner, CachedResponse>();
  return (runner) => {
    let response = responses.get(runner);
    if (response === undefined && hasValidId(runner)) {
      if (responses.size === maxCachedResponses) {
        // A new Map, not clear(): V8 links the table of a cleared Map to the next one, so all new
        // entries would be promoted to the old generation.
        responses = new Map();
      }
      response = buildResponse(runner, format, compression);
      responses.set(runner, response);
    }
    return response;
  };
}

function hasValidId({ runnerId }: EncodedRunner): boolean {
  return passesRulePrecheck(GetRunnerRequestSchema, create(GetRunnerRequestSchema, { runnerId }));
}

function buildResponse(
  runner: EncodedRunner,
  format: WireFormat,
  compression: WireCompression,
): CachedResponse {
  const uncompressed = runner.encode(format, "identity");
  const isCompressed = compression !== "identity" && uncompressed.length >= compressMinBytes;
  const body = isCompressed ? runner.encode(format, compression) : uncompressed;
  return {
    body,
    headers: [
      "content-type",
      contentTypeOf[format],
      "content-length",
      `${body.length}`,
      ...(isCompressed ? ["content-encoding", compression] : []),
    ],
  };
}

/**
 * Returns the time limit for the body of a call to arrive, in milliseconds, or undefined if no timer
 * is needed: over HTTP/1.1, Node.js enforces the request timeout.
 */
function timeLimitOf(
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

/** Returns whether a request has no headers that need Connect's handlers. */
function hasSimpleHeaders({ headers }: RequestHead): boolean {
  const timeout = headers[timeoutHeader];
  return (
    headers["content-encoding"] === undefined &&
    (timeout === undefined || /^[1-9]\d{0,8}$/.test(String(timeout)))
  );
}

/** JSON whitespace (RFC 8259, section 2). */
const whitespace = "[ \\t\\n\\r]*";

/** Matches a JSON request that has an id without escapes, and nothing else. */
const jsonPattern = new RegExp(
  ["^", "{", `"${runnerIdField.jsonName}"`, ":", '"([\\w-]+)"', "}", "$"].join(whitespace),
);

/** Returns the id in a JSON request, or undefined if the request needs Connect's handlers. */
function parseJsonRequest(text: string): string | undefined {
  return jsonPattern.exec(text)?.[1];
}

/** The first byte of a binary request: the field number and the wire type LEN. */
const binaryTag = (runnerIdField.number << 3) | 2;

/**
 * Returns the id in a binary request, or undefined if it has anything else in it. Each character is
 * one byte (`latin1`).
 */
function parseBinaryRequest(text: string): string | undefined {
  const length = text.charCodeAt(1);
  return text.charCodeAt(0) === binaryTag && length < 128 && text.length === length + 2
    ? text.slice(2)
    : undefined;
}

/** Chooses the first compression that the caller lists and the server supports, as Connect does. */
const negotiateCompression = memoize((acceptEncoding: string | undefined): WireCompression => {
  const names = (acceptEncoding ?? "").split(",").map((name) => name.trim());
  return names.find((name) => name === "gzip" || name === "br") ?? "identity";
});

/**
 * Matches a query from its question mark to the end of the URL, with the required parameters only.
 * Connect's clients put base64 first.
 */
const queryPattern =
  /\?connect=v1(&base64=1)?&encoding=(json|proto)(&base64=1)?&message=([\w%.~!*'()-]+)$/y;

/** Returns the format and the message of a GET, or undefined if it needs Connect's handlers. */
function parseQuery({
  headers,
  url,
}: RequestHead): { format: WireFormat; message: string } | undefined {
  // The query starts at the first question mark. Those after it belong to parameters.
  queryPattern.lastIndex = Math.max(0, url.indexOf("?"));
  const [, base64First, format, base64Last, encoded = ""] = queryPattern.exec(url) ?? [];
  if (format === undefined || headers["content-type"] !== undefined) {
    return undefined;
  }
  const isBase64 = base64First !== undefined || base64Last !== undefined;
  // Only base64url without padding, which is unambiguous. Connect decides about anything else.
  if (isBase64 && (!/^[\w-]+$/.test(encoded) || encoded.length % 4 === 1)) {
    return undefined;
  }
  try {
    const message = isBase64
      ? Buffer.from(encoded, "base64url").toString("latin1")
      : decodeURIComponent(encoded);
    return { format: format as WireFormat, message };
  } catch {
    return undefined;
  }
}
