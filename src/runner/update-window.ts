import type { UpdateWindow } from "../../gen/gitpod/v1/runner_service_pb.ts";

const hourMs = 3_600_000;
const defaultHours = 2;

/** The hours of an update window, in UTC: from 0 to 23. */
export interface UpdateWindowHours {
  readonly start: number;
  /** Equal to `start` when the window lasts the whole day; less when it lasts over midnight. */
  readonly end: number;
}

/** How an update window stands at some time. */
export interface UpdateWindowState {
  /** Whether updates may happen at that time. The window is open at its start, and closed at its end. */
  readonly open: boolean;
  /** When it opens the next time, after that time. Undefined when it is always open. */
  readonly opens: Date | undefined;
  /** When it closes the next time, after that time. Undefined when it is always open. */
  readonly closes: Date | undefined;
}

/**
 * Returns the hours of an update window, with the default for an end that is
 * not set: two hours after the start. Returns undefined for a window that is
 * not set, which allows updates at any time; so does one without a start,
 * which the contract does not allow.
 *
 * Hours beyond 23, which the contract does not allow either, are those of the
 * next day.
 */
export function updateWindowHours(window: UpdateWindow | undefined): UpdateWindowHours | undefined {
  if (window?.startHour === undefined) {
    return undefined;
  }
  const { startHour, endHour = startHour + defaultHours } = window;
  return { start: startHour % 24, end: endHour % 24 };
}

/**
 * Tells how an update window stands at a time, by default now: whether it is
 * open, and when it opens and closes next.
 */
export function updateWindowState(
  window: UpdateWindow | undefined,
  at: Date = new Date(),
): UpdateWindowState {
  const hours = updateWindowHours(window);
  if (hours === undefined || hours.start === hours.end) {
    return { open: true, opens: undefined, closes: undefined };
  }
  const opens = nextTime(hours.start, at);
  const closes = nextTime(hours.end, at);
  // What is open closes before it can open again.
  return { open: closes < opens, opens, closes };
}

/** The first time after `at` when it is `hour` o'clock in UTC. */
function nextTime(hour: number, at: Date): Date {
  const next = new Date(at);
  next.setUTCHours(hour, 0, 0, 0);
  return next > at ? next : new Date(next.getTime() + 24 * hourMs);
}
