/** The maximum size of a cache. Clients send few distinct values, but an attacker can send many. */
const maxEntries = 100;

/**
 * Returns a function that caches the results of `compute`, which must be a pure function. The cache
 * is bounded: it is cleared when it is full.
 *
 * Do not use it for secrets: timing reveals whether an argument was seen before.
 */
export function memoize<Argument, Result>(
  compute: (argument: Argument) => Result,
): (argument: Argument) => Result {
  const results = new Map<Argument, Result>();
  let last: { readonly argument: Argument; readonly result: Result } | undefined;

  function getOrCompute(argument: Argument): Result {
    const cached = results.get(argument);
    if (cached !== undefined) {
      return cached;
    }
    const result = compute(argument);
    if (results.size === maxEntries) {
      results.clear();
    }
    results.set(argument, result);
    return result;
  }

  return (argument) => {
    // Most requests repeat the previous value, and comparing it is faster than a lookup.
    if (last === undefined || last.argument !== argument) {
      last = { argument, result: getOrCompute(argument) };
    }
    return last.result;
  };
}
