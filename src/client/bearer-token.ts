import { Code, ConnectError } from "@connectrpc/connect";
import type { CallRequest, UnaryCall } from "./unary-transport.ts";

/**
 * Gives the token for a call. It is asked before each attempt, so it should
 * keep the token as long as it is good. When the server answered
 * `unauthenticated`, it is asked once more, with the token that was refused.
 */
export type TokenSource = (refused?: string) => string | Promise<string>;

/**
 * Returns a call that authenticates with a bearer token (RFC 6750).
 *
 * Throws an Error when a token given as a string is one that no header can
 * carry. Neither this nor any other error shows the token.
 */
export function withBearerToken(call: UnaryCall, token: string | TokenSource): UnaryCall {
  if (typeof token === "string") {
    const value = headerValue(token);
    return (request) => withAuthorization(call, request, value);
  }
  return async (request) => {
    const first = await ask(token, request.signal);
    try {
      return await withAuthorization(call, request, headerValue(first));
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Unauthenticated) {
        throw error;
      }
    }
    const second = await ask(token, request.signal, first);
    return withAuthorization(call, request, headerValue(second));
  };
}

/** The request is the same for all interceptors, and one of them may be a log: it is left without. */
async function withAuthorization(call: UnaryCall, request: CallRequest, value: string) {
  request.header.set("Authorization", value);
  try {
    return await call(request);
  } finally {
    request.header.delete("Authorization");
  }
}

function headerValue(token: string): string {
  // What a header may carry, without spaces: a token has none.
  if (!/^[\x21-\x7e]+$/.test(token || "")) {
    throw new ConnectError(
      token
        ? "the token has a character that no token has: is there a line break or a space in it?"
        : "the token is empty",
      Code.Unauthenticated,
    );
  }
  return `Bearer ${token}`;
}

/** Asks for a token, but no longer than the call has time. */
async function ask(source: TokenSource, signal: AbortSignal, refused?: string): Promise<string> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  try {
    return await Promise.race([source(refused), aborted]);
  } catch (error) {
    throw ConnectError.from(error, Code.Unauthenticated);
  }
}
