import { type Runner, RunnerPhase } from "../../gen/gitpod/v1/runner_service_pb.ts";

/** A desired value and the value that the runner reports. */
export interface DesiredAndActual<Value> {
  readonly desired: Value;
  readonly actual: Value;
  /** Whether both values are set and they are not equal. */
  readonly differs: boolean;
}

/**
 * Returns the desired and the actual phase and region of a runner. The desired region is only a
 * hint in the configuration.
 *
 * An unspecified phase or an empty region means "no preference" if desired and "not reported" if
 * actual. Neither counts as a difference.
 */
export function desiredAndActual(runner: Runner): {
  phase: DesiredAndActual<RunnerPhase>;
  region: DesiredAndActual<string>;
} {
  const { spec, status } = runner;
  return {
    phase: compare(
      spec?.desiredPhase ?? RunnerPhase.UNSPECIFIED,
      status?.phase ?? RunnerPhase.UNSPECIFIED,
    ),
    region: compare(spec?.configuration?.region ?? "", status?.region ?? ""),
  };
}

/** The unset values, 0 and "", are the falsy ones. */
function compare<Value>(desired: Value, actual: Value): DesiredAndActual<Value> {
  return { desired, actual, differs: Boolean(desired && actual) && desired !== actual };
}
