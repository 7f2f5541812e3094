import { create, equals } from "@bufbuild/protobuf";
import { DurationSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Runner, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createHeartbeat, nanosecondsOf } from "../../src/store/heartbeat.ts";

const runnerSince = (first: Date): Runner =>
  create(RunnerSchema, {
    name: "one",
    status: { version: "1", updatedAt: timestampFromDate(first) },
  });

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
function reported(runner: Runner | undefined): bigint {
  const updatedAt = runner?.status?.updatedAt;
  expect(updatedAt?.nanos).toBeGreaterThanOrEqual(0);
  return updatedAt === undefined ? -1n : nanosecondsOf(updatedAt);
}

test("is never in the future, at most one interval old, and whole intervals after the first", () => {
  fc.assert(
    fc.property(dates, dates, durations, (first, now, every) => {
      const runner = runnerSince(first);
      const at = reported(createHeartbeat(runner, every)?.at(now));
      const time = BigInt(now.getTime()) * 1_000_000n;
      if (now < first) {
        expect(at).toBe(reported(runner));
      } else {
        expect(at).toBeLessThanOrEqual(time);
        expect(time - at).toBeLessThan(nanosecondsOf(every));
        expect((at - reported(runner)) % nanosecondsOf(every)).toBe(0n);
      }
    }),
  );
});

test("depends on the time alone, whatever was asked before", () => {
  fc.assert(
    fc.property(dates, fc.array(dates), durations, (first, times, every) => {
      const runner = runnerSince(first);
      const heartbeat = createHeartbeat(runner, every);
      for (const now of times) {
        expect(heartbeat?.at(now)).toEqual(createHeartbeat(runner, every)?.at(now));
      }
    }),
  );
});

test("changes nothing else, and not the runner it was given", () => {
  fc.assert(
    fc.property(dates, dates, durations, (first, now, every) => {
      const runner = runnerSince(first);
      const later = createHeartbeat(runner, every)?.at(now);
      expect(runner).toEqual(runnerSince(first));
      const { updatedAt } = runner.status ?? {};
      const again = { ...later, status: { ...later?.status, updatedAt } } as Runner;
      expect(equals(RunnerSchema, again, runner)).toBe(true);
    }),
  );
});

test("gives the same message until the interval is over, and then another", () => {
  const heartbeat = createHeartbeat(
    runnerSince(new Date("2026-01-01T00:00:00Z")),
    create(DurationSchema, { seconds: 30n }),
  );
  const at = (time: string) => heartbeat?.at(new Date(`2026-01-02T00:00:${time}Z`));
  expect(at("00.000")).toBe(at("29.999"));
  expect(at("30.000")).not.toEqual(at("29.999"));
  expect(at("30.000")).toBe(at("59.999"));
});

test("needs a first time", () => {
  const every = create(DurationSchema, { seconds: 30n });
  expect(createHeartbeat(create(RunnerSchema), every)).toBeUndefined();
  expect(createHeartbeat(create(RunnerSchema, { status: {} }), every)).toBeUndefined();
});
