import { RunnerPhase } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import type { HealthState } from "../../runner/runner-health.ts";
import type { Color } from "./rows.ts";

/** The colour of each health; what is not known has none. */
export const healthColor: Readonly<Record<HealthState, Color | undefined>> = {
  healthy: "green",
  degraded: "yellow",
  unavailable: "red",
  unknown: undefined,
};

/** The colours of phases; those on the way to being active have none. */
export const phaseColor: Readonly<Record<number, Color>> = {
  [RunnerPhase.ACTIVE]: "green",
  [RunnerPhase.DEGRADED]: "yellow",
  [RunnerPhase.DELETING]: "red",
  [RunnerPhase.DELETED]: "red",
};
