import { timingSafeEqual } from "node:crypto";

/** Returns whether a bearer token is accepted. */
export type TokenVerifier = (token: string) => boolean;

/**
 * Creates a verifier that accepts exactly `tokens`.
 *
 * It compares in constant time: a presented token is compared with every accepted one, and all of
 * them are padded to the same length. So timing does not reveal how much of a guess is right.
 */
export function createTokenVerifier(tokens: Iterable<string>): TokenVerifier {
  const accepted = [...tokens];
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

/** Returns the bearer token in an `Authorization` header (RFC 6750, section 2.1), if any. */
export function parseBearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}
