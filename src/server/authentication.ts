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
  const padded = known.map((token) => pad(token, new Uint32Array(size + 1)));
  const presented = new Uint32Array(size + 1);
  return (token) => {
    pad(token, presented);
    let found = false;
    for (const one of padded) {
      found = timingSafeEqual(one, presented) || found;
    }
    return found;
  };
}

/**
 * Writes the characters of a token, as many as there is room for, into `codes`, and behind them its
 * length: that tells a token from its beginning.
 */
function pad(token: string, codes: Uint32Array): Uint32Array {
  const last = codes.length - 1;
  for (let at = 0; at < last; at++) {
    codes[at] = at < token.length ? token.charCodeAt(at) : 0;
  }
  codes[last] = token.length;
  return codes;
}

/** The token in an `Authorization` header, if it is a bearer token (RFC 6750, section 2.1). */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}
