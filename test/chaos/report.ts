import type { Tally } from "./lane.ts";

/** Returns a table of what was done, in plain text. */
export function formatTallies(tallies: readonly Tally[]): string {
  const header = ["lane", "action", "times", "longest until noticed"];
  const rows = tallies.map(({ lane, action, count, slowestMs, skipped }) => [
    lane,
    action,
    String(count),
    skipped === undefined ? formatTime(slowestMs) : `skipped: ${skipped}`,
  ]);
  const table = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function formatTime(milliseconds: number): string {
  return milliseconds === 0 ? "-" : `${(milliseconds / 1000).toFixed(2)} s`;
}
