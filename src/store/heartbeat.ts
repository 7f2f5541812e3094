import { create } from "@bufbuild/protobuf";
import { type Duration, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { Runner } from "../../gen/gitpod/v1/runner_service_pb.ts";

/** What makes a runner look alive. */
export interface Heartbeat {
  /** How often the runner reports, in nanoseconds. */
  readonly interval: bigint;
  /**
   * Returns the runner as it is at a time: its `status.updatedAt` is its own plus
   * as many whole intervals as have passed since. Before that, it is its own.
   * All else is as it was.
   *
   * As long as no further interval has passed, it is the same message, not an
   * equal one.
   */
  at(now: Date): Runner;
}

/** Creates the heartbeat of a runner, or undefined when it has no `status.updatedAt` to begin with. */
export function createHeartbeat(runner: Runner, every: Duration): Heartbeat | undefined {
  const { status } = runner;
  if (status?.updatedAt === undefined) {
    return undefined;
  }
  const first = nanosecondsOf(status.updatedAt);
  const interval = nanosecondsOf(every);
  let passed = 0n;
  let current = runner;
  return {
    interval,
    at: (now) => {
      const intervals = (BigInt(now.getTime()) * 1_000_000n - first) / interval;
      if (intervals <= 0n) {
        return runner;
      }
      if (intervals !== passed) {
        const updatedAt = timestampOf(first + intervals * interval);
        current = { ...runner, status: { ...status, updatedAt } };
        passed = intervals;
      }
      return current;
    },
  };
}

/** How long a duration is, or how far a time is from the beginning of 1970. */
export function nanosecondsOf({ seconds, nanos }: Duration | Timestamp): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

function timestampOf(nanoseconds: bigint): Timestamp {
  // BigInt divides towards zero, a Timestamp counts its nanoseconds forwards.
  const nanos = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (nanoseconds - nanos) / 1_000_000_000n;
  return create(TimestampSchema, { seconds, nanos: Number(nanos) });
}
