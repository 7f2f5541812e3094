import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Call } from "./call.ts";

/**
 * The code that a call ended with, as Connect spells it, and `ok` for success.
 * A call that was turned down before any protocol was spoken has its HTTP
 * status instead, as in `http_415`.
 *
 * An error that passed the interceptors is in `call`. What Connect turns down
 * outside of them (a body that cannot be read, a token not known) is read from
 * the response itself, of which `lastChunk` is the last piece of the body.
 */
export function responseCode(
  call: Call,
  response: UniversalServerResponse,
  lastChunk: Uint8Array | undefined,
): string {
  if (call.error !== undefined) {
    return codeName(ConnectError.from(call.error, Code.Internal).code);
  }
  if (call.protocol === "connect") {
    const json = connectErrorJson(response, lastChunk);
    if (json !== undefined) {
      return json;
    }
  } else if (response.status === 200) {
    const status =
      call.protocol === "grpc"
        ? response.trailer?.get("grpc-status")
        : /grpc-status: *(\d+)/i.exec(latin1(lastChunk))?.[1];
    return status === "0" ? "ok" : codeName(Number(status ?? Code.Unknown));
  }
  return response.status === 200 ? "ok" : `http_${response.status}`;
}

/** The name of a code as Connect's JSON has it: `not_found` for {@link Code.NotFound}. */
export function codeName(code: Code): string {
  const name = Code[code] ?? Code[Code.Unknown];
  return name.replace(/\B[A-Z]/g, "_$&").toLowerCase();
}

/** The `code` of an error in a Connect response: the body of a unary one, the end of a stream. */
function connectErrorJson(
  { status, header }: UniversalServerResponse,
  lastChunk: Uint8Array | undefined,
): string | undefined {
  const isStream = header?.get("content-type")?.startsWith("application/connect+") ?? false;
  if (lastChunk === undefined || (status === 200 && !isStream)) {
    return undefined;
  }
  try {
    const json = JSON.parse(new TextDecoder().decode(lastChunk.subarray(isStream ? 5 : 0)));
    return isStream ? json.error?.code : json.code;
  } catch {
    return undefined;
  }
}

function latin1(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : Buffer.from(bytes).toString("latin1");
}
