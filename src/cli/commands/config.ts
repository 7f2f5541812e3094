import type { JsonValue } from "@bufbuild/protobuf";
import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
  RunnerSpecSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { type DesiredAndActual, desiredAndActual } from "../../runner/desired-and-actual.ts";
import { enumJson, enumShortName } from "../../runner/enum-name.ts";
import { redactedJson } from "../../runner/redaction.ts";
import { updateWindowHours, updateWindowState } from "../../runner/update-window.ts";
import { describeMessage } from "../output/describe-message.ts";
import { formatTimestamp } from "../output/format-time.ts";
import type { Row } from "../output/rows.ts";
import { printRunners, type RunnerCommandOptions } from "../print-runners.ts";

/** `runnerctl config ID…`: prints the desired and the actual state of runners. */
export async function config(
  runnerIds: readonly string[],
  options: RunnerCommandOptions,
): Promise<void> {
  await printRunners(runnerIds, options, ({ runner }) => {
    const at = new Date();
    return { rows: () => configRows(runner, at), json: () => configReport(runner, at) };
  });
}

/** The output of `runnerctl config -o json`. All keys are always present. */
export type ConfigReport = {
  runnerId: string;
  name: string;
  /** Full names, such as `RUNNER_PHASE_ACTIVE`, or the numbers if the names are unknown. */
  phase: { desired: string | number; actual: string | number; differs: boolean };
  /** An empty string if none is desired, or none reported. */
  region: { desired: string; actual: string; differs: boolean };
  /**
   * When the runner may update itself. `startHour` and `endHour` are hours in UTC,
   * or null if updates are allowed at any time. `open` is whether they are allowed
   * now. `opensAt` and `closesAt` are the next times at which that changes, or null
   * if it never does.
   */
  updateWindow: {
    startHour: number | null;
    endHour: number | null;
    open: boolean;
    opensAt: string | null;
    closesAt: string | null;
  };
  /** The RunnerSpec in Protobuf JSON, with `[redacted]` for secrets; null if there is none. */
  spec: JsonValue;
};

/** Returns the configuration of a runner for programs, as of `at`. */
export function configReport(runner: Runner, at: Date): ConfigReport {
  const { phase, region } = desiredAndActual(runner);
  const window = runner.spec?.configuration?.updateWindow;
  const hours = updateWindowHours(window);
  const { open, opens, closes } = updateWindowState(window, at);
  return {
    runnerId: runner.runnerId,
    name: runner.name,
    phase: {
      desired: enumJson(RunnerPhaseSchema, phase.desired),
      actual: enumJson(RunnerPhaseSchema, phase.actual),
      differs: phase.differs,
    },
    region,
    updateWindow: {
      startHour: hours?.start ?? null,
      endHour: hours?.end ?? null,
      open,
      opensAt: opens ? formatTimestamp(opens) : null,
      closesAt: closes ? formatTimestamp(closes) : null,
    },
    spec: runner.spec
      ? redactedJson(RunnerSpecSchema, runner.spec, { alwaysEmitImplicit: true })
      : null,
  };
}

/** Returns the configuration of a runner for people, as of `at`. */
export function configRows(runner: Runner, at: Date): Row[] {
  const { phase, region } = desiredAndActual(runner);
  const rows: Row[] = [
    { label: "Name", text: runner.name },
    { label: "ID", text: runner.runnerId },
    desiredAndActualRow("Phase", phase, (value) =>
      value === RunnerPhase.UNSPECIFIED ? "" : enumShortName(RunnerPhaseSchema, value),
    ),
    desiredAndActualRow("Region", region, (value) => value),
  ];
  return runner.spec
    ? [...rows, { label: "Spec", rows: describeMessage(RunnerSpecSchema, runner.spec, at) }]
    : rows;
}

/** Compares the values in one row. `formatValue` returns an empty string for an unset value. */
function desiredAndActualRow<Value>(
  label: string,
  { desired, actual, differs }: DesiredAndActual<Value>,
  formatValue: (value: Value) => string,
): Row {
  const actualText = formatValue(actual) || "not reported";
  const desiredText = formatValue(desired);
  if (!desiredText) {
    return { label, text: actualText };
  }
  return desired === actual
    ? { label, text: `${actualText} (as desired)` }
    : {
        label,
        text: `${actualText} (desired: ${desiredText})`,
        color: differs ? "yellow" : undefined,
      };
}
