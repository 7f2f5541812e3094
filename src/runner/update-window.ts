import type { UpdateWindow } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { dateOption } from "./option.ts";

const hourMs = 3_600_000;
const defaultLengthHours = 2;

/** The start and end hours of an update window, in UTC, from 0 to 23. */
export interface UpdateWindowHours {
  readonly start: number;
  /** Equal to `start` if the window lasts all day, less than `start` if it spans midnight. */
  readonly end: number;
}

/** The state of an update window at a given time. */
export interface UpdateWindowState {
  /** Whether updates are allowed at that time. The start is inclusive, the end exclusive. */
  readonly open: boolean;
  /** When the window opens next, after that time. Undefined if it is always open. */
  readonly opens: Date | undefined;
  /** When the window closes next, after that time. Undefined if it is always open. */
  readonly closes: Date | undefined;
}

/**
 * Returns the start and end hours of an update window. If the end is not set, it is two hours after
 * the start.
 *
 * Returns undefined if the window or its start is not set: updates are then allowed at any time.
 * The contract does not allow a window without a start.
 *
 * Hours above 23, which the contract does not allow either, wrap around to the next day.
 */
export function updateWindowHours(window: UpdateWindow | undefined): UpdateWindowHours | undefined {
  if (window?.startHour === undefined) {
    return undefined;
  }
  const { startHour, endHour = startHour + defaultLengthHours } = window;
  return { start: startHour % 24, end: endHour % 24 };
}

/**
 * Returns whether an update window is open at the time `at` (default: now), and when it opens and
 * closes next.
 *
 * Throws a RangeError if `at` is not a valid date.
 */
export function updateWindowState(window: UpdateWindow | undefined, at?: Date): UpdateWindowState {
  const time = dateOption("at", at);
  const hours = updateWindowHours(window);
  if (hours === undefined || hours.start === hours.end) {
    return { open: true, opens: undefined, closes: undefined };
  }
  const opens = nextTime(hours.start, time);
  const closes = nextTime(hours.end, time);
  // An open window closes before it opens again.
  return { open: closes < opens, opens, closes };
}

/** Returns the first time after `at` at which the given hour starts, in UTC. */
function nextTime(hour: number, at: Date): Date {
  const next = new Date(at);
  next.setUTCHours(hour, 0, 0, 0);
  return next > at ? next : new Date(next.getTime() + 24 * hourMs);
}
