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
import { fetchRunner, type RunnerCommandOptions } from "../fetch-runner.ts";
import { describeMessage } from "../output/describe-message.ts";
import { formatTimestamp } from "../output/format-time.ts";
import { print } from "../output/print.ts";
import type { Row } from "../output/rows.ts";

/** `runnerctl config ID`: prints what a runner shall be, and whether it is. */
export async function config(runnerId: string, options: RunnerCommandOptions): Promise<void> {
  const { runner } = await fetchRunner(runnerId, options);
  const at = new Date();
  await print(
    { rows: () => configRows(runner, at), json: () => configReport(runner, at) },
    options,
  );
}

/** What `runnerctl config -o json` prints. All keys are always there. */
export type ConfigReport = {
  runnerId: string;
  name: string;
  /** Full names, such as `RUNNER_PHASE_ACTIVE`; the number of a phase newer than the contract. */
  phase: { desired: string | number; actual: string | number; differs: boolean };
  /** An empty string for no wish, or for none reported. */
  region: { desired: string; actual: string; differs: boolean };
  /**
   * When the runner may update itself: the hours, in UTC, or null when it may
   * at any time; whether it may now; and the next times at which that changes,
   * or null when it never does.
   */
  updateWindow: {
    startHour: number | null;
    endHour: number | null;
    open: boolean;
    opensAt: string | null;
    closesAt: string | null;
  };
  /** The RunnerSpec in Protobuf JSON, with `[redacted]` for secrets; null when there is none. */
  spec: JsonValue;
};

/** Makes the configuration of a runner, as seen at `at`, for programs. */
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

/** Makes the configuration of a runner, as seen at `at`, for people. */
export function configRows(runner: Runner, at: Date): Row[] {
  const { phase, region } = desiredAndActual(runner);
  const rows: Row[] = [
    { label: "Name", text: runner.name },
    { label: "ID", text: runner.runnerId },
    besideRow("Phase", phase, (value) =>
      value === RunnerPhase.UNSPECIFIED ? "" : enumShortName(RunnerPhaseSchema, value),
    ),
    besideRow("Region", region, (value) => value),
  ];
  return runner.spec
    ? [...rows, { label: "Spec", rows: describeMessage(RunnerSpecSchema, runner.spec, at) }]
    : rows;
}

/** What differs is coloured; what says nothing, on either side, has no name. */
function besideRow<Value>(
  label: string,
  { desired, actual, differs }: DesiredAndActual<Value>,
  nameOf: (value: Value) => string,
): Row {
  const is = nameOf(actual) || "not reported";
  const wish = nameOf(desired);
  if (!wish) {
    return { label, text: is };
  }
  return desired === actual
    ? { label, text: `${is}, as desired` }
    : { label, text: `${is}, but ${wish} is desired`, color: differs ? "yellow" : undefined };
}
