import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { desiredAndActual } from "./desired-and-actual.ts";
import { enumShortName, unknownEnumNames } from "./enum-name.ts";
import { formatDuration } from "./format-duration.ts";
import { heartbeatAgeMs, heartbeatIntervalMs } from "./heartbeat.ts";
import { dateOption, numberOption } from "./option.ts";

/** All health states. See {@link runnerHealth}. */
export const healthStates = ["healthy", "degraded", "unavailable", "unknown"] as const;

/** The health state of a runner. See {@link runnerHealth}. */
export type HealthState = (typeof healthStates)[number];

/** The health of a runner, with reasons. */
export interface RunnerHealth {
  readonly state: HealthState;
  /** Why the runner is not healthy. Empty if it is healthy. */
  readonly reasons: readonly HealthReason[];
}

/** A reason why a runner is not healthy. */
export interface HealthReason {
  /** The machine-readable reason. */
  readonly code:
    | "no-status"
    | "phase-unspecified"
    | "phase-unknown"
    | "phase-created"
    | "phase-inactive"
    | "phase-degraded"
    | "phase-deleting"
    | "phase-deleted"
    | "heartbeat-missing"
    | "heartbeat-late"
    | "not-desired-phase";
  /** The human-readable reason: a sentence. */
  readonly message: string;
}

/** Options of {@link runnerHealth}. */
export interface RunnerHealthOptions {
  /** The time at which to evaluate the health. Default: now. */
  readonly at?: Date | undefined;
  /**
   * The maximum age of the last heartbeat of a healthy runner, in milliseconds, or Infinity for no
   * limit. Default: 90,000, which is three heartbeat intervals.
   */
  readonly heartbeatLimitMs?: number | undefined;
}

/** The options of {@link runnerHealth}, checked and with their defaults. */
interface Settings {
  readonly at: Date;
  readonly heartbeatLimitMs: number;
}

/**
 * Returns the health of a runner, based on its last report. The phase is evaluated first:
 *
 * | phase | health |
 * |---|---|
 * | missing, unspecified, or not defined in this version of the contract | unknown |
 * | created, inactive, deleting, deleted | unavailable |
 * | degraded | degraded |
 * | active | degraded if any of the reasons below applies, otherwise healthy |
 *
 * A runner in phase active or degraded is running, so it must send heartbeats: a missing or late
 * heartbeat is a reason. For an active runner, a desired phase other than active is also a reason.
 *
 * The result contains all reasons that apply. In the other phases the phase is the only reason: a
 * deleted runner, for example, sends no heartbeats. All reasons therefore imply the same state and
 * are not ranked.
 *
 * Throws a RangeError if `at` is not a valid date or `heartbeatLimitMs` is not a number of at least
 * 0.
 */
export function runnerHealth(runner: Runner, options: RunnerHealthOptions = {}): RunnerHealth {
  const settings = {
    at: dateOption("at", options.at),
    heartbeatLimitMs: numberOption(
      "heartbeatLimitMs",
      options.heartbeatLimitMs,
      3 * heartbeatIntervalMs,
      { min: 0 },
    ),
  };
  if (runner.status === undefined) {
    return unknown("no-status", "The runner has no status.");
  }
  switch (runner.status.phase) {
    case RunnerPhase.UNSPECIFIED: {
      const [unknownName] = unknownEnumNames(runner.status, "phase");
      return unknownName === undefined
        ? unknown("phase-unspecified", "The runner does not report its phase.")
        : unknownPhase(unknownName);
    }
    case RunnerPhase.CREATED:
      return unavailable("phase-created", "The runner was created but has not signed up yet.");
    case RunnerPhase.INACTIVE:
      return unavailable("phase-inactive", "The runner has signed up but has not reported yet.");
    case RunnerPhase.DELETING:
      return unavailable("phase-deleting", "The runner is being deleted.");
    case RunnerPhase.DELETED:
      return unavailable("phase-deleted", "The runner has been deleted.");
    case RunnerPhase.DEGRADED:
      return degradedIfAny([
        { code: "phase-degraded", message: "The runner reports that it is degraded." },
        ...heartbeatReasons(runner, settings),
      ]);
    case RunnerPhase.ACTIVE:
      return degradedIfAny([...heartbeatReasons(runner, settings), ...desiredPhaseReasons(runner)]);
    default:
      return unknownPhase(String(runner.status.phase));
  }
}

function heartbeatReasons(runner: Runner, { at, heartbeatLimitMs }: Settings): HealthReason[] {
  const ageMs = heartbeatAgeMs(runner, at);
  if (ageMs === undefined) {
    return [{ code: "heartbeat-missing", message: "The runner has never sent a heartbeat." }];
  }
  if (ageMs <= heartbeatLimitMs) {
    return [];
  }
  const [age, interval] = [ageMs, heartbeatIntervalMs].map(formatDuration);
  const message = `The last heartbeat was ${age} ago; one is due every ${interval}.`;
  return [{ code: "heartbeat-late", message }];
}

function desiredPhaseReasons(runner: Runner): HealthReason[] {
  const { desired, actual, differs } = desiredAndActual(runner).phase;
  if (!differs) {
    return [];
  }
  const [actualName, desiredName] = [actual, desired].map((phase) =>
    enumShortName(RunnerPhaseSchema, phase),
  );
  const message = `The runner is ${actualName}; the desired phase is ${desiredName}.`;
  return [{ code: "not-desired-phase", message }];
}

function degradedIfAny(reasons: HealthReason[]): RunnerHealth {
  return { state: reasons.length > 0 ? "degraded" : "healthy", reasons };
}

function unavailable(code: HealthReason["code"], message: string): RunnerHealth {
  return { state: "unavailable", reasons: [{ code, message }] };
}

function unknownPhase(name: string): RunnerHealth {
  return unknown(
    "phase-unknown",
    `The runner is in phase ${name}, which this version of the contract does not define.`,
  );
}

function unknown(code: HealthReason["code"], message: string): RunnerHealth {
  return { state: "unknown", reasons: [{ code, message }] };
}
