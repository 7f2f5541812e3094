/** Formats a number of things: `1 runner`, `2 runners`. The plural must end with "s". */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
