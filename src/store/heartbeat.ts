import { create, fromJson, toJson } from "@bufbuild/protobuf";
import { type Duration, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { RunnerSchema, RunnerStatusSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { type EncodedRunner, encodedFromJson } from "./encoded-runner.ts";
import type { KeptBytes, KeptText } from "./kept-text.ts";

/** What makes a runner look alive. */
export interface Heartbeat {
  /** The id of the runner, in lower case. */
  readonly runnerId: string;
  /** The runner as it is in its file, in JSON. */
  readonly json: KeptBytes;
  /** How often the runner reports, in nanoseconds. */
  readonly interval: bigint;
  /**
   * Returns the runner as it is at a time: its `status.updatedAt` is its own plus
   * as many whole intervals as have passed since. Before that, it is its own.
   * All else is as it was.
   *
   * As long as no further interval has passed, it is the same object, not an
   * equal one.
   */
  at(now: Date): EncodedRunner;
}

/**
 * Creates the heartbeat of a runner, with its id in lower case, from JSON as `runnerToJson` writes
 * it, which has a `status.updatedAt`.
 */
export function createHeartbeat(runnerId: string, json: KeptBytes, every: Duration): Heartbeat {
  return new RunnerHeartbeat(runnerId, json, nanosecondsOf(every));
}

/** How long a duration is, or how far a time is from the beginning of 1970. */
export function nanosecondsOf({ seconds, nanos }: Duration | Timestamp): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

// Classes, for there may be very many: what they share is there once.
class RunnerHeartbeat implements Heartbeat {
  readonly runnerId: string;
  readonly json: KeptBytes;
  readonly interval: bigint;
  /** Of many runners, most are asked for late, if at all. */
  #current: Beat | undefined;

  constructor(runnerId: string, json: KeptBytes, interval: bigint) {
    this.runnerId = runnerId;
    this.json = json;
    this.interval = interval;
    this.#current = undefined;
  }

  at(now: Date): EncodedRunner {
    const time = now.getTime();
    let current = this.#current;
    if (current === undefined || time < current.from || time >= current.until) {
      current = new Beat(this, time);
      this.#current = current;
    }
    return current.runner;
  }
}

/** A runner from one report to the next, and its JSON: with another `status.updatedAt`. */
class Beat implements KeptText {
  readonly runner: EncodedRunner;
  /** From when and until when it is right, in milliseconds. */
  readonly from: number;
  readonly until: number;
  readonly #json: KeptBytes;
  /** The time, and what it is in the place of. */
  readonly #time: string;
  readonly #start: number;
  readonly #end: number;

  constructor({ runnerId, json, interval }: Heartbeat, time: number) {
    const text = json.toString();
    this.#json = json;
    this.#start = text.indexOf(beforeUpdatedAt) + beforeUpdatedAt.length;
    this.#end = text.indexOf('"', this.#start);
    const first = nanosecondsOf(fromJson(TimestampSchema, text.slice(this.#start, this.#end)));
    const passed = (BigInt(time) * 1_000_000n - first) / interval;
    const updatedAt = passed > 0n ? first + passed * interval : first;
    this.#time = String(toJson(TimestampSchema, timestampOf(updatedAt)));
    this.from = passed > 0n ? millisecondsOf(updatedAt) : Number.NEGATIVE_INFINITY;
    this.until = millisecondsOf(updatedAt + interval);
    this.runner = encodedFromJson(runnerId, this);
  }

  toString(): string {
    return this.#json.slice(0, this.#start) + this.#time + this.#json.slice(this.#end);
  }
}

/**
 * What is right before the time: the runtime writes fields in the order of their numbers, with no space
 * between. It is in no text in the JSON, where quotes have a backslash before them.
 */
const beforeUpdatedAt = `"${RunnerSchema.field.status.jsonName}":{"${RunnerStatusSchema.field.updatedAt.jsonName}":"`;

/** The first whole millisecond that is not before a time. */
function millisecondsOf(nanoseconds: bigint): number {
  const rounded = nanoseconds / 1_000_000n;
  // BigInt divides towards zero.
  return Number(rounded * 1_000_000n < nanoseconds ? rounded + 1n : rounded);
}

function timestampOf(nanoseconds: bigint): Timestamp {
  // BigInt divides towards zero, a Timestamp counts its nanoseconds forwards.
  const nanos = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (nanoseconds - nanos) / 1_000_000_000n;
  return create(TimestampSchema, { seconds, nanos: Number(nanos) });
}
