import { RunnerPhase } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import type { HealthState } from "../../runner/runner-health.ts";
import type { Color } from "./colorize.ts";

/** The color of each health state. */
export const healthColor: Readonly<Record<HealthState, Color | undefined>> = {
  healthy: "green",
  degraded: "yellow",
  unavailable: "red",
  unknown: undefined,
};

/** The color of each phase. Phases before active have none. */
export const phaseColor: Readonly<Record<number, Color>> = {
  [RunnerPhase.ACTIVE]: "green",
  [RunnerPhase.DEGRADED]: "yellow",
  [RunnerPhase.DELETING]: "red",
  [RunnerPhase.DELETED]: "red",
};
