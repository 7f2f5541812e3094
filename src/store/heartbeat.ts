import { create, toJson } from "@bufbuild/protobuf";
import { type Duration, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { RunnerSchema, RunnerStatusSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { type EncodedRunner, encodedFromJson } from "./encoded-runner.ts";
import type { KeptText } from "./kept-text.ts";

/** What makes a runner look alive. */
export interface Heartbeat {
  /** The id of the runner, in lower case. */
  readonly runnerId: string;
  /** The runner as it is in its file, in JSON. */
  readonly json: KeptText;
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
 * it. `first` is the runner's own `status.updatedAt`.
 */
export function createHeartbeat(
  runnerId: string,
  json: KeptText,
  first: Timestamp,
  every: Duration,
): Heartbeat {
  return new RunnerHeartbeat(runnerId, json, nanosecondsOf(first), nanosecondsOf(every));
}

/** How long a duration is, or how far a time is from the beginning of 1970. */
export function nanosecondsOf({ seconds, nanos }: Duration | Timestamp): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

// Classes, for there may be very many: what they share is there once.
class RunnerHeartbeat implements Heartbeat {
  readonly runnerId: string;
  readonly json: KeptText;
  readonly interval: bigint;
  readonly #first: bigint;
  #current: EncodedRunner;
  /** From when and until when the current version is right, in milliseconds. */
  #from: number;
  #until: number;

  constructor(runnerId: string, json: KeptText, first: bigint, interval: bigint) {
    this.runnerId = runnerId;
    this.json = json;
    this.interval = interval;
    this.#first = first;
    this.#current = encodedFromJson(runnerId, json);
    this.#from = Number.NEGATIVE_INFINITY;
    this.#until = millisecondsOf(first + interval);
  }

  at(now: Date): EncodedRunner {
    const time = now.getTime();
    if (time < this.#from || time >= this.#until) {
      const passed = (BigInt(time) * 1_000_000n - this.#first) / this.interval;
      if (passed > 0n) {
        const updatedAt = this.#first + passed * this.interval;
        this.#current = encodedFromJson(this.runnerId, new JsonUpdatedAt(this.json, updatedAt));
        this.#from = millisecondsOf(updatedAt);
        this.#until = millisecondsOf(updatedAt + this.interval);
      } else {
        this.#current = encodedFromJson(this.runnerId, this.json);
        this.#from = Number.NEGATIVE_INFINITY;
        this.#until = millisecondsOf(this.#first + this.interval);
      }
    }
    return this.#current;
  }
}

/** The JSON of a runner with another `status.updatedAt`. */
class JsonUpdatedAt implements KeptText {
  readonly #json: KeptText;
  readonly #time: string;

  constructor(json: KeptText, updatedAt: bigint) {
    this.#json = json;
    this.#time = String(toJson(TimestampSchema, timestampOf(updatedAt)));
  }

  toString(): string {
    const json = this.#json.toString();
    const start = json.indexOf(beforeUpdatedAt) + beforeUpdatedAt.length;
    return json.slice(0, start) + this.#time + json.slice(json.indexOf('"', start));
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
