import { hash, timingSafeEqual } from "node:crypto";

/** Tells whether a bearer token is one of those that are let in. */
export type TokenVerifier = (token: string) => boolean;

/**
 * Creates a verifier that knows `tokens`.
 *
 * It takes the same time whichever token it is given: all digests are compared,
 * each in constant time, so that nobody can guess a token piece by piece.
 */
export function createTokenVerifier(tokens: Iterable<string>): TokenVerifier {
  const digests = [...tokens].map(digest);
  return (token) => {
    const presented = digest(token);
    let found = false;
    for (const known of digests) {
      found = timingSafeEqual(known, presented) || found;
    }
    return found;
  };
}

/** The token in an `Authorization` header, if it is a bearer token (RFC 6750, section 2.1). */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}

function digest(token: string): Buffer {
  return hash("sha256", token, "buffer");
}
