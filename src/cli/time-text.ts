import { durationText } from "../runner/duration-text.ts";

/** Spells a time for people, as seen at `at`: `12 s ago (2026-11-23T08:00:00Z)`, `in 5 min (…)`. */
export function timeText(time: Date, at: Date): string {
  const ms = at.getTime() - time.getTime();
  return `${distance(ms)} (${timeJson(time)})`;
}

/** Spells a time for programs, as Protobuf JSON does: `2026-11-23T08:00:00Z`. */
export function timeJson(time: Date): string {
  return time.toISOString().replace(".000Z", "Z");
}

function distance(ms: number): string {
  if (ms < 0) {
    return `in ${durationText(-ms)}`;
  }
  return ms < 1000 ? "just now" : `${durationText(ms)} ago`;
}
