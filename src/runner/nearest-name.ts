/**
 * Returns the candidate that `name` was most likely meant to be, or undefined
 * when none is near. Case and the characters between words (`-`, `_`, spaces)
 * do not count.
 *
 * Near means: about a third of the letters wrong, missing, too many or swapped
 * with their neighbour, but never so many that nothing of `name` is left.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const letters = lettersOf(name);
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const others = lettersOf(candidate);
    const longest = Math.max(letters.length, others.length);
    const limit = Math.min(Math.ceil(longest / 3), longest - 1);
    // At least that many letters are missing: no need to count further.
    if (Math.abs(letters.length - others.length) > Math.min(limit, least)) {
      continue;
    }
    const distance = editDistance(letters, others);
    if (distance <= limit && distance < least) {
      nearest = candidate;
      least = distance;
    }
  }
  return nearest;
}

/** Tells what to write instead of a wrong name: the nearest right one, or any of them. */
export function suggestName(name: string, candidates: readonly string[]): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined
    ? `choose one of ${candidates.join(", ")}`
    : `did you mean ${nearest}?`;
}

function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[-_\s]+/g, "");
}

/** How many letters to insert, delete, replace or swap with the next one to get from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let distance = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, at(beforeLast, j - 2) + 1);
      }
      row.push(distance);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}
