import { clone, create, equals } from "@bufbuild/protobuf";
import { DurationSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Runner, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { runnerToJson } from "../../src/store/encoded-runner.ts";
import { createHeartbeat, nanosecondsOf } from "../../src/store/heartbeat.ts";

const runnerSince = (first: Date): Runner =>
  create(RunnerSchema, {
    // Looks like what is right before the time in the JSON.
    name: '"status":{"updatedAt":"',
    status: { version: "1", updatedAt: timestampFromDate(first) },
  });

const heartbeatSince = (first: Date, every = create(DurationSchema, { seconds: 30n })) =>
  createHeartbeat("id", runnerToJson(runnerSince(first)), every);

const dates = fc.date({
  min: new Date("1900-01-01"),
  max: new Date("2200-01-01"),
  noInvalidDate: true,
});
const durations = fc
  .record({ seconds: fc.bigInt(0n, 1_000_000n), nanos: fc.nat(999_999_999) })
  .filter(({ seconds, nanos }) => seconds > 0n || nanos > 0)
  .map((duration) => create(DurationSchema, duration));

/** When the runner last reported, in nanoseconds. */
function reported({ status }: Runner): bigint {
  expect(status?.updatedAt?.nanos).toBeGreaterThanOrEqual(0);
  return status?.updatedAt === undefined ? -1n : nanosecondsOf(status.updatedAt);
}

test("is never in the future, at most one interval old, and whole intervals after the first", () => {
  fc.assert(
    fc.property(dates, dates, durations, (first, now, every) => {
      const own = reported(runnerSince(first));
      const at = reported(heartbeatSince(first, every).at(now).runner);
      const time = BigInt(now.getTime()) * 1_000_000n;
      if (now < first) {
        expect(at).toBe(own);
      } else {
        expect(at).toBeLessThanOrEqual(time);
        expect(time - at).toBeLessThan(nanosecondsOf(every));
        expect((at - own) % nanosecondsOf(every)).toBe(0n);
      }
    }),
  );
});

test("depends on the time alone, whatever was asked before", () => {
  // Some of the times are near to each other and to the ends of intervals.
  const times = fc.array(
    fc.oneof(
      dates,
      fc.nat(100_000).map((time) => new Date(time)),
    ),
  );
  const firsts = fc.oneof(dates, fc.constant(new Date(0)));
  fc.assert(
    fc.property(firsts, times, durations, (first, times, every) => {
      const heartbeat = heartbeatSince(first, every);
      for (const now of times) {
        const json = heartbeat.at(now).encode("json", "identity");
        expect(json).toBe(heartbeatSince(first, every).at(now).encode("json", "identity"));
      }
    }),
  );
});

test("changes nothing else", () => {
  fc.assert(
    fc.property(dates, dates, durations, (first, now, every) => {
      const { runner } = heartbeatSince(first, every).at(now);
      const again = clone(RunnerSchema, runner);
      Object.assign(again.status ?? {}, { updatedAt: timestampFromDate(first) });
      expect(equals(RunnerSchema, again, runnerSince(first))).toBe(true);
    }),
  );
});

test("gives the same version until the interval is over, and then another", () => {
  const heartbeat = heartbeatSince(new Date("2026-01-01T00:00:00Z"));
  const at = (time: string) => heartbeat.at(new Date(`2026-01-02T00:00:${time}Z`));
  const version = at("00.000");
  expect(at("29.999")).toBe(version);
  expect(at("30.000")).not.toBe(version);
  expect(at("30.000")).toBe(at("59.999"));
  expect(at("30.000").runner).toBe(at("30.000").runner);
});
