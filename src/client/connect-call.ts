import {
  type DescMethodUnary,
  fromBinary,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, type UnaryResponse } from "@connectrpc/connect";
import { messageFromJson } from "../runner/runner-json.ts";
import {
  errorFromResponse,
  isBinary,
  isJson,
  splitHeaderAndTrailer,
  unexpectedResponse,
} from "./connect-error.ts";
import type { HttpClient, HttpResponse } from "./http-client.ts";
import type { UnaryCall } from "./unary-transport.ts";

/** Options of {@link createConnectCall}. */
export interface ConnectCallOptions {
  /** Whether to use binary messages instead of JSON. Default: false. */
  readonly useBinaryFormat?: boolean | undefined;
  /** Whether to call methods without side effects with HTTP GET instead of POST. Default: false. */
  readonly useHttpGet?: boolean | undefined;
}

/**
 * Creates a function that makes unary calls with the Connect protocol over an HTTP client.
 *
 * On the wire, it is compatible with Connect's own transports. If a response is not a Connect
 * response, the error contains the URL, the status and the beginning of the body.
 *
 * Connect exports many building blocks of its transports but marks them as private. They are not
 * used here, because this package would then have to pin everyone who installs it to one exact
 * version of Connect. Instead, tests compare this function with Connect's own transports.
 */
export function createConnectCall(
  httpClient: HttpClient,
  { useBinaryFormat = false, useHttpGet = false }: ConnectCallOptions,
): UnaryCall {
  const encoding = useBinaryFormat ? "proto" : "json";
  return async ({ method, url, header, message, signal }) => {
    const body = useBinaryFormat
      ? (toBinary(method.input, message) as Uint8Array<ArrayBuffer>)
      : toJsonString(method.input, message);
    let response: HttpResponse;
    if (useHttpGet && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) {
      const getUrl = `${url}?${formatQuery(encoding, body)}`;
      response = await httpClient({ url: getUrl, method: "GET", header, body: null, signal });
    } else {
      header.set("Content-Type", `application/${encoding}`);
      header.set("Connect-Protocol-Version", "1");
      response = await httpClient({ url, method: "POST", header, body, signal });
    }
    if (response.status !== 200) {
      throw errorFromResponse(response, url);
    }
    return createUnaryResponse(
      method,
      response,
      decodeMessage(method, response, url, useBinaryFormat),
    );
  };
}

/**
 * Returns the query of a GET request, with the parameters in the order that the protocol recommends
 * for caches.
 */
function formatQuery(encoding: string, body: string | Uint8Array): string {
  return typeof body === "string"
    ? `connect=v1&encoding=${encoding}&message=${encodeURIComponent(body)}`
    : `connect=v1&base64=1&encoding=${encoding}&message=${base64Encode(body, "url")}`;
}

function decodeMessage(
  { output }: DescMethodUnary,
  response: HttpResponse,
  url: string,
  useBinaryFormat: boolean,
): Message {
  if (!(useBinaryFormat ? isBinary(response) : isJson(response))) {
    const isOtherFormat = useBinaryFormat ? isJson(response) : isBinary(response);
    throw unexpectedResponse(response, url, isOtherFormat ? Code.Internal : Code.Unknown);
  }
  try {
    return useBinaryFormat
      ? fromBinary(output, response.body)
      : messageFromJson(output, JSON.parse(utf8.decode(response.body)), {
          ignoreUnknownFields: true,
        });
  } catch (error) {
    throw unexpectedResponse(response, url, Code.Internal, error);
  }
}

const utf8 = new TextDecoder();

function createUnaryResponse(
  method: DescMethodUnary,
  response: HttpResponse,
  message: Message,
): UnaryResponse {
  // Created lazily: few callers read the header or the trailer, and creating them takes a tenth of
  // the time of a call.
  let metadata: ReturnType<typeof splitHeaderAndTrailer> | undefined;
  const getMetadata = () => {
    metadata ??= splitHeaderAndTrailer(response);
    return metadata;
  };
  return {
    stream: false,
    service: method.parent,
    method,
    message,
    get header() {
      return getMetadata().header;
    },
    get trailer() {
      return getMetadata().trailer;
    },
  };
}
