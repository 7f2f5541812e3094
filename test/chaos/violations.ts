/** What a run found to be wrong. */
export interface Violations {
  readonly count: number;
  add(message: string): void;
  /** Returns the first ones, each with how often it was found. */
  describe(): string[];
}

/** The maximum number of different violations that are listed. */
const maxListed = 30;

/** Creates an empty list. `where` names what is going on at the moment. */
export function createViolations(where: () => string): Violations {
  const found = new Map<string, { first: string; count: number }>();
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(message) {
      count++;
      // The same fault of another version or runner is not a different one.
      const kind = message.replaceAll(/v\d+|[0-9a-f-]{36}|[\d.]+ s\b/g, "…");
      const same = found.get(kind);
      if (same !== undefined) {
        same.count++;
      } else if (found.size < maxListed) {
        found.set(kind, { first: `${message} (during ${where()})`, count: 1 });
      }
    },
    describe: () =>
      [...found.values()].map(({ first, count }) =>
        count > 1 ? `${first}, and ${count - 1} more like it` : first,
      ),
  };
}
