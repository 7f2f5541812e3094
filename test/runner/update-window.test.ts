import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UpdateWindowSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { updateWindowHours, updateWindowState } from "../../src/runner/update-window.ts";

const minuteMs = 60_000;

const window = (startHour?: number, endHour?: number) =>
  create(UpdateWindowSchema, {
    ...(startHour !== undefined && { startHour }),
    ...(endHour !== undefined && { endHour }),
  });

describe("an update window", () => {
  const alwaysOpen = { open: true, opens: undefined, closes: undefined };
  const day = "2026-11-23";
  const at = (time: string) => new Date(`${day}T${time}Z`);

  test("is always open if it is not set", () => {
    expect(updateWindowHours(undefined)).toBeUndefined();
    expect(updateWindowState(undefined)).toEqual(alwaysOpen);
  });

  test("is always open without a start", () => {
    expect(updateWindowState(window(undefined, 4))).toEqual(alwaysOpen);
  });

  test("is always open if start and end are equal", () => {
    expect(updateWindowState(window(5, 5), at("04:59:00"))).toEqual(alwaysOpen);
  });

  test("lasts two hours without an end, also across midnight", () => {
    expect(updateWindowHours(window(6))).toEqual({ start: 6, end: 8 });
    expect(updateWindowHours(window(23))).toEqual({ start: 23, end: 1 });
  });

  test("spans midnight if the end is before the start", () => {
    expect(updateWindowState(window(22, 4), at("03:59:59.999"))).toEqual({
      open: true,
      opens: at("22:00:00"),
      closes: at("04:00:00"),
    });
  });

  test("includes its start and excludes its end", () => {
    expect(updateWindowState(window(6, 8), at("06:00:00")).open).toBe(true);
    expect(updateWindowState(window(6, 8), at("08:00:00")).open).toBe(false);
    expect(updateWindowState(window(6, 8), at("08:00:00")).opens).toEqual(
      new Date("2026-11-24T06:00:00Z"),
    );
  });

  test("agrees with a minute-by-minute simulation for all hours and times", () => {
    const hour = fc.integer({ min: 0, max: 23 });
    const time = fc.date({
      min: new Date("1970-01-01T00:00:00Z"),
      max: new Date("2200-01-01T00:00:00Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(hour, fc.option(hour, { nil: undefined }), time, (start, end, at) => {
        const state = updateWindowState(window(start, end), at);
        expect(state).toEqual(simulate(start, end, at));
      }),
      { numRuns: 500 },
    );
  });
});

/** Computes the same state by checking every full minute of the next two days. */
function simulate(start: number, end: number | undefined, at: Date) {
  const openHours = new Set<number>();
  const length = end === undefined ? 2 : end === start ? 24 : (end - start + 24) % 24;
  for (let i = 0; i < length; i++) {
    openHours.add((start + i) % 24);
  }
  const isOpen = (ms: number) => openHours.has(Math.floor(ms / (60 * minuteMs)) % 24);
  const first = Math.floor(at.getTime() / minuteMs) * minuteMs;
  let opens: Date | undefined;
  let closes: Date | undefined;
  for (let ms = first + minuteMs; ms <= first + 2 * 24 * 60 * minuteMs; ms += minuteMs) {
    if (isOpen(ms) !== isOpen(ms - minuteMs)) {
      if (isOpen(ms)) {
        opens ??= new Date(ms);
      } else {
        closes ??= new Date(ms);
      }
    }
  }
  return { open: isOpen(at.getTime()), opens, closes };
}
