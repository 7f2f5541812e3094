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
  headerAndTrailer,
  isBinary,
  isJson,
  unexpectedResponse,
} from "./connect-error.ts";
import type { HttpClient, HttpResponse } from "./http-client.ts";
import type { UnaryCall } from "./unary-transport.ts";

/** Options of {@link createConnectCall}. */
export interface ConnectCallOptions {
  /** Whether messages are binary on the wire. Default: JSON. */
  readonly useBinaryFormat?: boolean | undefined;
  /** Whether methods without side effects are called by HTTP GET. Default: by POST. */
  readonly useHttpGet?: boolean | undefined;
}

/**
 * Makes calls by the Connect protocol, over any HTTP client.
 *
 * What goes over the wire is what Connect's own transports send and understand.
 * An answer that is none of Connect's makes an error that tells what the server
 * answered, and where.
 *
 * Of what Connect's own transports are made, much is exported but marked
 * private. It is not used here: to rely on it, this package would have to pin
 * everyone who installs it to one exact version of Connect. Tests hold this
 * function to Connect's own transports instead.
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
    let answer: HttpResponse;
    if (useHttpGet && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) {
      const getUrl = `${url}?${parameters(encoding, body)}`;
      answer = await httpClient({ url: getUrl, method: "GET", header, body: null, signal });
    } else {
      header.set("Content-Type", `application/${encoding}`);
      header.set("Connect-Protocol-Version", "1");
      answer = await httpClient({ url, method: "POST", header, body, signal });
    }
    if (answer.status !== 200) {
      throw errorFromResponse(answer, url);
    }
    return responseOf(method, answer, messageOf(method, answer, url, useBinaryFormat));
  };
}

/** The parameters of a GET request, in the order that the protocol asks for, for the sake of caches. */
function parameters(encoding: string, body: string | Uint8Array): string {
  return typeof body === "string"
    ? `connect=v1&encoding=${encoding}&message=${encodeURIComponent(body)}`
    : `connect=v1&base64=1&encoding=${encoding}&message=${base64Encode(body, "url")}`;
}

function messageOf(
  { output }: DescMethodUnary,
  answer: HttpResponse,
  url: string,
  useBinaryFormat: boolean,
): Message {
  if (!(useBinaryFormat ? isBinary(answer) : isJson(answer))) {
    const isOtherFormat = useBinaryFormat ? isJson(answer) : isBinary(answer);
    throw unexpectedResponse(answer, url, isOtherFormat ? Code.Internal : Code.Unknown);
  }
  try {
    return useBinaryFormat
      ? fromBinary(output, answer.body)
      : messageFromJson(output, JSON.parse(utf8.decode(answer.body)), {
          ignoreUnknownFields: true,
        });
  } catch (error) {
    throw unexpectedResponse(answer, url, Code.Internal, error);
  }
}

const utf8 = new TextDecoder();

function responseOf(
  method: DescMethodUnary,
  answer: HttpResponse,
  message: Message,
): UnaryResponse {
  // Only made for those who look: few do, and it takes a tenth of the call.
  let made: ReturnType<typeof headerAndTrailer> | undefined;
  const make = () => {
    made ??= headerAndTrailer(answer);
    return made;
  };
  return {
    stream: false,
    service: method.parent,
    method,
    message,
    get header() {
      return make().header;
    },
    get trailer() {
      return make().trailer;
    },
  };
}
