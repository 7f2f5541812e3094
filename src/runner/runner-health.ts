import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { desiredAndActual } from "./desired-and-actual.ts";
import { enumShortName, unknownEnumNames } from "./enum-name.ts";
import { formatDuration } from "./format-duration.ts";
import { heartbeatAgeMs, heartbeatIntervalMs } from "./heartbeat.ts";

/** All that a runner's health can be. See {@link runnerHealth}. */
export const healthStates = ["healthy", "degraded", "unavailable", "unknown"] as const;

/** How well a runner is. See {@link runnerHealth}. */
export type HealthState = (typeof healthStates)[number];

/** How well a runner is, and why. */
export interface RunnerHealth {
  readonly state: HealthState;
  /** All that keeps the runner from being healthy; empty when it is. */
  readonly reasons: readonly HealthReason[];
}

/** Something that keeps a runner from being healthy. */
export interface HealthReason {
  /** What it is, for programs. */
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
  /** What it is, for people: a sentence. */
  readonly message: string;
}

/** Options of {@link runnerHealth}. */
export interface RunnerHealthOptions {
  /** The time to judge at. Default: now. */
  readonly at?: Date;
  /**
   * The age, in milliseconds, up to which a heartbeat is recent enough.
   * Default: 90,000, three missed renewals.
   */
  readonly heartbeatLimitMs?: number;
}

/**
 * Judges how well a runner is, by what it last reported. The phase comes
 * first:
 *
 * | phase | health |
 * |---|---|
 * | none, unspecified, or newer than the contract | unknown |
 * | created, inactive, deleting, deleted | unavailable |
 * | degraded | degraded |
 * | active | degraded for any of the reasons below, otherwise healthy |
 *
 * A runner in phase active or degraded runs, so a heartbeat is expected of it:
 * one that is missing or too old is a reason. So is an active runner's desired
 * phase, if one is set and it is not active.
 *
 * All reasons that hold are given. A phase that tells enough hides the rest:
 * nobody expects a heartbeat of a deleted runner. So all reasons given lead to
 * the same health, and there is no best or worst among them.
 */
export function runnerHealth(runner: Runner, options: RunnerHealthOptions = {}): RunnerHealth {
  if (runner.status === undefined) {
    return unknown("no-status", "The runner has no status.");
  }
  switch (runner.status.phase) {
    case RunnerPhase.UNSPECIFIED: {
      const [newer] = unknownEnumNames(runner.status, "phase");
      return newer === undefined
        ? unknown("phase-unspecified", "The runner does not tell its phase.")
        : newerPhase(newer);
    }
    case RunnerPhase.CREATED:
      return unavailable("phase-created", "The runner was created, but has not signed up yet.");
    case RunnerPhase.INACTIVE:
      return unavailable("phase-inactive", "The runner signed up, but has not reported yet.");
    case RunnerPhase.DELETING:
      return unavailable("phase-deleting", "The runner is being deleted.");
    case RunnerPhase.DELETED:
      return unavailable("phase-deleted", "The runner is deleted.");
    case RunnerPhase.DEGRADED:
      return degradedBy([
        { code: "phase-degraded", message: "The runner says that it is degraded." },
        ...heartbeatReasons(runner, options),
      ]);
    case RunnerPhase.ACTIVE:
      return degradedBy([...heartbeatReasons(runner, options), ...desiredPhaseReasons(runner)]);
    default:
      return newerPhase(String(runner.status.phase));
  }
}

function heartbeatReasons(runner: Runner, options: RunnerHealthOptions): HealthReason[] {
  const { at, heartbeatLimitMs = 3 * heartbeatIntervalMs } = options;
  const ageMs = heartbeatAgeMs(runner, at);
  if (ageMs === undefined) {
    return [{ code: "heartbeat-missing", message: "The runner never sent a heartbeat." }];
  }
  if (ageMs <= heartbeatLimitMs) {
    return [];
  }
  const [age, interval] = [ageMs, heartbeatIntervalMs].map(formatDuration);
  const message = `The last heartbeat came ${age} ago; one is due every ${interval}.`;
  return [{ code: "heartbeat-late", message }];
}

function desiredPhaseReasons(runner: Runner): HealthReason[] {
  const { desired, actual, differs } = desiredAndActual(runner).phase;
  if (!differs) {
    return [];
  }
  const [is, shallBe] = [actual, desired].map((phase) => enumShortName(RunnerPhaseSchema, phase));
  return [{ code: "not-desired-phase", message: `The runner is ${is}, but shall be ${shallBe}.` }];
}

function degradedBy(reasons: HealthReason[]): RunnerHealth {
  return { state: reasons.length > 0 ? "degraded" : "healthy", reasons };
}

function unavailable(code: HealthReason["code"], message: string): RunnerHealth {
  return { state: "unavailable", reasons: [{ code, message }] };
}

function newerPhase(name: string): RunnerHealth {
  return unknown(
    "phase-unknown",
    `The runner is in phase ${name}, which is newer than this contract.`,
  );
}

function unknown(code: HealthReason["code"], message: string): RunnerHealth {
  return { state: "unknown", reasons: [{ code, message }] };
}
