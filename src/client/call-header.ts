/** The subset of `Headers` that calls need. `Headers` implements it. */
export interface CallHeader extends Iterable<[name: string, value: string]> {
  get(name: string): string | null;
  has(name: string): boolean;
  set(name: string, value: string): void;
  delete(name: string): void;
}

/**
 * Creates a `Headers`. Unlike its constructor, it omits members of an object that are undefined.
 *
 * Throws a TypeError if a name or a value is invalid in HTTP.
 */
export function toHeaders(headers: HeadersInit): Headers {
  return new Headers(
    Symbol.iterator in headers
      ? headers
      : Object.entries(headers).filter(([, value]) => value != null),
  );
}

/**
 * Creates a lightweight header for calls that only this package sees. Creating the first `Headers`
 * in Node.js takes longer than a whole call, because it loads Node's fetch implementation.
 *
 * Names and values are not validated: they must be valid in HTTP.
 */
export function createCallHeader(): CallHeader {
  const values = new Map<string, string>();
  return {
    get: (name) => values.get(name.toLowerCase()) ?? null,
    has: (name) => values.has(name.toLowerCase()),
    set: (name, value) => void values.set(name.toLowerCase(), value),
    delete: (name) => void values.delete(name.toLowerCase()),
    [Symbol.iterator]: () => values.entries(),
  };
}
