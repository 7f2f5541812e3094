import { timingSafeEqual } from "node:crypto";

/** Returns whether a bearer token is accepted. */
export type TokenVerifier = (token: string) => boolean;

/**
 * Creates a verifier that accepts exactly `tokens`.
 *
 * Throws an Error like {@link checkTokens}.
 *
 * It compares in constant time: a presented token is compared with every accepted one, and all of
 * them are padded to the same length. So timing does not reveal how much of a guess is right.
 */
export function createTokenVerifier(tokens: Iterable<string>): TokenVerifier {
  const accepted = [...tokens];
  checkTokens(accepted, "token");
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

/**
 * Checks that tokens can be sent as bearer tokens.
 *
 * Throws an Error if one is empty, or contains a space or anything else but visible ASCII
 * characters: no caller could send it. The error names its position after `source`, such as `token`,
 * and not the token itself.
 */
export function checkTokens(tokens: readonly string[], source: string): void {
  const index = tokens.findIndex((token) => !/^[!-~]+$/.test(token));
  if (index !== -1) {
    const fault =
      tokens[index] === ""
        ? "is empty"
        : "contains a space or a character that is not ASCII, which no bearer token can have";
    throw new Error(`${source} ${index + 1} ${fault}`);
  }
}

/** Fills `codeUnits` with those of `token`: truncated, or padded with zeros. */
function pad(token: string, codeUnits: Uint16Array): Uint16Array {
  for (let at = 0; at < codeUnits.length; at++) {
    codeUnits[at] = at < token.length ? token.charCodeAt(at) : 0;
  }
  return codeUnits;
}

/** Returns the bearer token in an `Authorization` header (RFC 6750, section 2.1), if any. */
export function parseBearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}
