import { timingSafeEqual } from "node:crypto";
import { findTokenFault } from "./bearer-token.ts";

/** Returns whether a bearer token is accepted. */
export type TokenVerifier = (token: string) => boolean;

/**
 * Creates a verifier that accepts exactly `tokens`. Throws an Error if one of them cannot be sent as
 * a bearer token, see {@link findTokenFault}.
 *
 * It compares in constant time: a presented token is compared with every accepted one, and all of
 * them are padded to the same length. So timing does not reveal how much of a guess is right.
 */
export function createTokenVerifier(tokens: Iterable<string>): TokenVerifier {
  const accepted = [...tokens];
  for (const [index, token] of accepted.entries()) {
    const fault = findTokenFault(token);
    if (fault !== undefined) {
      throw new Error(`token ${index + 1} ${fault}`);
    }
  }
  const maxLength = Math.max(0, ...accepted.map((token) => token.length));
  const padded = accepted.map((token) => ({
    token,
    codeUnits: pad(token, new Uint16Array(maxLength)),
  }));
  const presented = new Uint16Array(maxLength);
  return (token) => {
    pad(token, presented);
    let isAccepted = false;
    for (const candidate of padded) {
      const isEqual = timingSafeEqual(candidate.codeUnits, presented);
      // A presented token is truncated to maxLength, so one that is too long can be equal, too.
      isAccepted = (isEqual && candidate.token.length === token.length) || isAccepted;
    }
    return isAccepted;
  };
}

/** Fills `codeUnits` with those of `token`: truncated, or padded with zeros. */
function pad(token: string, codeUnits: Uint16Array): Uint16Array {
  for (let at = 0; at < codeUnits.length; at++) {
    codeUnits[at] = at < token.length ? token.charCodeAt(at) : 0;
  }
  return codeUnits;
}
