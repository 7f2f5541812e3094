/** How many results are results: clients of one server say few things, an attacker any number. */
const maxResults = 100;

/**
 * Returns a function that returns what `of` returns, and remembers it for the arguments it was
 * called with lately. `of` has to depend on nothing else.
 *
 * Not for secrets: how long it takes tells something of what it was called with before.
 */
export function memoize<Argument, Result>(
  of: (argument: Argument) => Result,
): (argument: Argument) => Result {
  const results = new Map<Argument, Result>();
  let last: { readonly argument: Argument; readonly result: Result } | undefined;

  function find(argument: Argument): Result {
    const found = results.get(argument);
    if (found !== undefined) {
      return found;
    }
    const result = of(argument);
    if (results.size === maxResults) {
      results.clear();
    }
    results.set(argument, result);
    return result;
  }

  return (argument) => {
    // Most requests say what the one before said, and that is known sooner than it is looked up.
    if (last === undefined || last.argument !== argument) {
      last = { argument, result: find(argument) };
    }
    return last.result;
  };
}
