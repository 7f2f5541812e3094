/**
 * Returns what is wrong with a token that cannot be sent as a bearer token (RFC 6750, section 2.1),
 * as a predicate without the token. Returns undefined for a valid one.
 */
export function findTokenFault(token: string): string | undefined {
  if (token === "") {
    return "is empty";
  }
  return /^[\w.~+/-]+=*$/.test(token)
    ? undefined
    : "contains a character that a bearer token cannot have; " +
        "allowed are letters, digits and -._~+/, and = at the end (RFC 6750)";
}

/** Returns the bearer token in an `Authorization` header (RFC 6750, section 2.1), if any. */
export function parseBearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}
