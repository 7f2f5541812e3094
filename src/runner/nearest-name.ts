/**
 * Returns the candidate nearest to `name` by edit distance, or undefined if none is near. Ignores
 * case and word separators (`-`, `_`, spaces). Of equally near candidates, the first one wins.
 *
 * The distance may be up to about a third of the longer name's length, but always less than that
 * length.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const normalized = normalizeName(name);
  let nearest: string | undefined;
  let minDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const other = normalizeName(candidate);
    const longest = Math.max(normalized.length, other.length);
    const limit = Math.min(Math.ceil(longest / 3), longest - 1);
    // The difference in length is a lower bound of the distance.
    if (Math.abs(normalized.length - other.length) > Math.min(limit, minDistance)) {
      continue;
    }
    const distance = editDistance(normalized, other);
    if (distance <= limit && distance < minDistance) {
      nearest = candidate;
      minDistance = distance;
    }
  }
  return nearest;
}

/** Returns a hint for an unknown name: the nearest candidate, or the list of all candidates. */
export function suggestName(name: string, candidates: readonly string[]): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined
    ? `choose one of ${candidates.join(", ")}`
    : `did you mean ${nearest}?`;
}

function normalizeName(name: string): string {
  return name.toLowerCase().replace(/[-_\s]+/g, "");
}

/**
 * Returns the edit distance of two strings, with insertions, deletions, substitutions and
 * transpositions of adjacent characters (optimal string alignment).
 */
function editDistance(a: string, b: string): number {
  let rowBeforePrevious: number[] = [];
  let previousRow = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isEqual = a[i - 1] === b[j - 1];
      let distance = Math.min(
        at(previousRow, j) + 1,
        at(row, j - 1) + 1,
        at(previousRow, j - 1) + (isEqual ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, at(rowBeforePrevious, j - 2) + 1);
      }
      row.push(distance);
    }
    rowBeforePrevious = previousRow;
    previousRow = row;
  }
  return at(previousRow, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}
