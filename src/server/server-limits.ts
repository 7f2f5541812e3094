import { maxTimerMs, type NumberRange, numberOption } from "../runner/option.ts";
import { defaultLimits, type ServerLimits } from "./http/limits.ts";

const maxUint32 = 2 ** 32 - 1;
const timeout: NumberRange = { min: 1, integer: true };

const ranges: Record<keyof ServerLimits, NumberRange> = {
  maxBodyBytes: { min: 1, max: maxUint32, integer: true },
  maxHeaderBytes: { min: 1, max: maxUint32, integer: true },
  headersTimeoutMs: timeout,
  requestTimeoutMs: timeout,
  idleTimeoutMs: timeout,
  maxConnections: { min: 1, integer: true },
  maxStreams: { min: 1, max: maxUint32, integer: true },
};

/**
 * Returns the limits of a server, with the defaults of those that are not set. Timeouts that are
 * longer than a timer takes, such as Infinity, are reduced to that: a little less than 25 days.
 *
 * Throws a RangeError if a limit does not accept its number.
 */
export function readServerLimits(limits: Partial<ServerLimits> = {}): ServerLimits {
  const names = Object.keys(ranges) as (keyof ServerLimits)[];
  const entries = names.map((name) => {
    const range = ranges[name];
    const value = numberOption(`limits.${name}`, limits[name], defaultLimits[name], range);
    return [name, range === timeout ? Math.min(value, maxTimerMs) : value];
  });
  return Object.fromEntries(entries) as ServerLimits;
}
