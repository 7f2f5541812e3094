import { type Runner, RunnerPhase } from "../../gen/gitpod/v1/runner_service_pb.ts";

/** What is wanted of a runner beside what it reports. */
export interface DesiredAndActual<Value> {
  readonly desired: Value;
  readonly actual: Value;
  /** Whether both are known, and not the same. */
  readonly differs: boolean;
}

/**
 * Puts what is wanted of a runner beside what it reports: its phase, and its
 * region (where the configuration gives but a hint).
 *
 * An unspecified phase and an empty region stand for "no wish" on the one side
 * and for "not reported" on the other; neither differs from anything.
 */
export function desiredAndActual(runner: Runner): {
  phase: DesiredAndActual<RunnerPhase>;
  region: DesiredAndActual<string>;
} {
  const { spec, status } = runner;
  return {
    phase: beside(
      spec?.desiredPhase ?? RunnerPhase.UNSPECIFIED,
      status?.phase ?? RunnerPhase.UNSPECIFIED,
    ),
    region: beside(spec?.configuration?.region ?? "", status?.region ?? ""),
  };
}

/** The values that say nothing, 0 and "", are the falsy ones. */
function beside<Value>(desired: Value, actual: Value): DesiredAndActual<Value> {
  return { desired, actual, differs: Boolean(desired && actual) && desired !== actual };
}
