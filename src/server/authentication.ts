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
  // Behind the token comes its length, which tells apart tokens that end in zeros.
  const size = Math.max(0, ...known.map((token) => Buffer.byteLength(token))) + 4;
  const padded = known.map((token) => pad(token, Buffer.alloc(size)));
  const presented = Buffer.alloc(size);
  return (token) => {
    pad(token, presented);
    let found = false;
    for (const one of padded) {
      found = timingSafeEqual(one, presented) || found;
    }
    return found;
  };
}

/** Writes a token, as much of it as there is room for, and its length into `buffer`. */
function pad(token: string, buffer: Buffer): Buffer {
  buffer.fill(0);
  buffer.write(token, 0, buffer.length - 4);
  buffer.writeUInt32LE(token.length, buffer.length - 4);
  return buffer;
}

/** The token in an `Authorization` header, if it is a bearer token (RFC 6750, section 2.1). */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}
