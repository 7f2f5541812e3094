import { Code, ConnectError } from "@connectrpc/connect";
import type { CallRequest, UnaryCall } from "./unary-transport.ts";

/**
 * Returns the token for a call. Whitespace around it is removed, for example the line break at the
 * end of a file. It is called before each attempt, so it should cache the token until it expires.
 * If the server responds with `unauthenticated`, it is called once more with the rejected token, and
 * the call is sent again.
 */
export type TokenSource = (rejectedToken?: string) => string | Promise<string>;

/**
 * Wraps a call so that it authenticates with a bearer token (RFC 6750).
 *
 * Throws a ConnectError with the code `unauthenticated` if a token given as a string is empty or
 * contains a character that is not allowed. No error message contains the token.
 */
export function withBearerToken(call: UnaryCall, token: string | TokenSource): UnaryCall {
  if (typeof token === "string") {
    const value = formatAuthorization(token);
    return (request) => withAuthorization(call, request, value);
  }
  return async (request) => {
    const first = await requestToken(token, request.signal);
    try {
      return await withAuthorization(call, request, formatAuthorization(first));
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Unauthenticated) {
        throw error;
      }
    }
    const second = await requestToken(token, request.signal, first);
    return withAuthorization(call, request, formatAuthorization(second));
  };
}

/**
 * Makes a call with the token in its header and then removes it: interceptors see the same request,
 * and one of them may log it.
 */
async function withAuthorization(call: UnaryCall, request: CallRequest, value: string) {
  request.header.set("Authorization", value);
  try {
    return await call(request);
  } finally {
    request.header.delete("Authorization");
  }
}

function formatAuthorization(token: string): string {
  const value = `${token ?? ""}`.trim();
  // The syntax of RFC 6750, section 2.1.
  if (!/^[\w.~+/-]+=*$/.test(value)) {
    throw new ConnectError(
      value
        ? "the token contains a character that is not allowed in a token; check for line breaks and spaces"
        : "the token is empty",
      Code.Unauthenticated,
    );
  }
  return `Bearer ${value}`;
}

/** Gets a token from its source. Rejects if the call's signal is aborted first. */
async function requestToken(
  source: TokenSource,
  signal: AbortSignal,
  rejectedToken?: string,
): Promise<string> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  try {
    return await Promise.race([source(rejectedToken), aborted]);
  } catch (error) {
    throw ConnectError.from(error, Code.Unauthenticated);
  }
}
