/** What calls need of `Headers`, which is one. */
export interface CallHeader extends Iterable<[name: string, value: string]> {
  get(name: string): string | null;
  has(name: string): boolean;
  set(name: string, value: string): void;
  delete(name: string): void;
}

/**
 * Creates the header of a call that only this package sees. The first `Headers` that Node.js makes
 * takes it longer than a whole call: it loads its fetch for it.
 *
 * Names and values are taken as they are: they have to be such as HTTP allows.
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
