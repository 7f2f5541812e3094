/** A source of pseudo-random choices. The same seed gives the same choices. */
export interface Random {
  /** Returns a whole number from `minimum` to `maximum`, both included. */
  between(minimum: number, maximum: number): number;
  pick<T>(items: readonly T[]): T;
  /** Returns the items in another order. */
  shuffle<T>(items: readonly T[]): T[];
  uuid(): string;
}

/** Creates the random source of a seed and a name, so that each part of a run has its own. */
export function createRandom(seed: number, name: string): Random {
  let state = seed;
  for (const character of name) {
    state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  }
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (minimum: number, maximum: number) =>
    minimum + Math.floor(next() * (maximum - minimum + 1));
  const pick = <T>(items: readonly T[]) => items[between(0, items.length - 1)] as T;
  return {
    between,
    pick,
    shuffle: (items) => {
      const rest = [...items];
      return items.map(() => rest.splice(between(0, rest.length - 1), 1)[0] as never);
    },
    uuid: () =>
      "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replaceAll("x", () => between(0, 15).toString(16)),
  };
}
