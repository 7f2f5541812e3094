const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Formats a duration in a single unit, rounded down: `4 ms`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function formatDuration(ms: number): string {
  // Switch to the next unit only when its value is at least 2: "90 s" is more precise than "1 min".
  if (ms < second) {
    return `${Math.floor(ms)} ms`;
  }
  if (ms < 2 * minute) {
    return `${Math.floor(ms / second)} s`;
  }
  if (ms < 2 * hour) {
    return `${Math.floor(ms / minute)} min`;
  }
  return ms < 2 * day ? `${Math.floor(ms / hour)} h` : `${Math.floor(ms / day)} d`;
}
