import { timingSafeEqual } from "node:crypto";

/** Tells whether a bearer token is one of those that are let in. */
export type TokenVerifier = (token: string) => boolean;

/**
 * Creates a verifier that knows `tokens`.
 *
 * It takes the same time whichever token it is given: each known one is compared,
 * all of them at one and the same length, so that nobody can guess a token piece
 * by piece.
 */
export function createTokenVerifier(tokens: Iterable<string>): TokenVerifier {
  const known = [...tokens];
  const size = Math.max(0, ...known.map((token) => token.length));
  const padded = known.map((token) => ({ token, codes: pad(token, new Uint16Array(size)) }));
  const presented = new Uint16Array(size);
  return (token) => {
    pad(token, presented);
    let found = false;
    for (const one of padded) {
      const isEqual = timingSafeEqual(one.codes, presented);
      // The length tells a token from its beginning.
      found = (isEqual && one.token.length === token.length) || found;
    }
    return found;
  };
}

/** Writes the characters of a token, as many as there is room for, into `codes`. */
function pad(token: string, codes: Uint16Array): Uint16Array {
  for (let at = 0; at < codes.length; at++) {
    codes[at] = at < token.length ? token.charCodeAt(at) : 0;
  }
  return codes;
}

/** The token in an `Authorization` header, if it is a bearer token (RFC 6750, section 2.1). */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}
