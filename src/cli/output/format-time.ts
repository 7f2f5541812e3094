import { formatDuration } from "../../runner/format-duration.ts";

/** Formats a time for people, relative to `at`: `12 s ago (2026-11-23T08:00:00Z)` or `in 5 min (…)`. */
export function formatTime(time: Date, at: Date): string {
  const ms = at.getTime() - time.getTime();
  return `${ms < 0 ? `in ${formatDuration(-ms)}` : formatAge(ms)} (${formatTimestamp(time)})`;
}

/** Formats a time for programs, as Protobuf JSON does: `2026-11-23T08:00:00Z`. */
export function formatTimestamp(time: Date): string {
  return time.toISOString().replace(".000Z", "Z");
}

/** Formats an age in milliseconds for people: `12 s ago`. */
export function formatAge(ms: number): string {
  return ms < 1000 ? "just now" : `${formatDuration(ms)} ago`;
}
