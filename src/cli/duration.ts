import { InvalidArgumentError } from "commander";

const milliseconds = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * Reads a length of time as people write it, `500ms`, `5s`, `2m`, `1h`, and
 * returns it in milliseconds.
 *
 * Throws commander's InvalidArgumentError for anything else.
 */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) {
    throw new InvalidArgumentError("Write a number and a unit: 500ms, 5s, 2m or 1h.");
  }
  return Number(number) * milliseconds[unit as keyof typeof milliseconds];
}
