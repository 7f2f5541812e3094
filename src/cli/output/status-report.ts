import { toJson } from "@bufbuild/protobuf";
import { durationMs, type Timestamp, TimestampSchema, timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type GatewayInfo,
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumJson, enumShortName, unknownEnumNames } from "../../runner/enum-name.ts";
import { formatDuration } from "../../runner/format-duration.ts";
import { heartbeatAgeMs } from "../../runner/heartbeat.ts";
import { runnerHealth } from "../../runner/runner-health.ts";
import { healthColor, phaseColor } from "./colors.ts";
import { formatTime } from "./format-time.ts";
import type { Row } from "./rows.ts";

/**
 * The output of `runnerctl status -o json`. All keys are always present. What the
 * runner does not report is an empty string or null.
 */
export type StatusReport = {
  runnerId: string;
  name: string;
  /** The full name, such as `RUNNER_PHASE_ACTIVE`, or the number if the name is unknown. */
  phase: string | number;
  /** The health of the runner, and the reasons why it is not healthy. */
  health: { state: string; reasons: { code: string; message: string }[] };
  /** The message that the runner reports about its phase. */
  message: string;
  /** The time of the last heartbeat, and its age. */
  heartbeat: { at: string; ageMs: number } | null;
  version: string;
  region: string;
  /** The gateway that the runner is connected to. */
  gateway: { name: string; url: string; region: string; latencyMs: number | null } | null;
};

/** Returns the status of a runner for programs, as of `at`. */
export function statusReport(runner: Runner, at: Date): StatusReport {
  const { status } = runner;
  const { state, reasons } = runnerHealth(runner, { at });
  const ageMs = heartbeatAgeMs(runner, at);
  return {
    runnerId: runner.runnerId,
    name: runner.name,
    phase:
      unknownEnumNames(status, "phase")[0] ??
      enumJson(RunnerPhaseSchema, status?.phase ?? RunnerPhase.UNSPECIFIED),
    health: { state, reasons: reasons.map((reason) => ({ ...reason })) },
    message: status?.message ?? "",
    heartbeat:
      status?.updatedAt === undefined || ageMs === undefined
        ? null
        : { at: toJson(TimestampSchema, status.updatedAt), ageMs },
    version: status?.version ?? "",
    region: status?.region ?? "",
    gateway: createGatewayReport(status?.gatewayInfo),
  };
}

function createGatewayReport(info: GatewayInfo | undefined): StatusReport["gateway"] {
  if (info?.gateway === undefined) {
    return null;
  }
  const { name, url, region } = info.gateway;
  return { name, url, region, latencyMs: info.latency ? durationMs(info.latency) : null };
}

/** Returns the status of a runner for people, as of `at`. */
export function statusRows(runner: Runner, at: Date): Row[] {
  const { status } = runner;
  return [
    { label: "Name", text: runner.name },
    { label: "ID", text: runner.runnerId },
    healthRow(runner, at),
    ...reasonRows(runner, at),
    phaseRow(runner),
    { label: "Message", text: status?.message || "none" },
    { label: "Heartbeat", text: formatHeartbeat(status?.updatedAt, at) },
    { label: "Version", text: status?.version || "not reported" },
    { label: "Region", text: status?.region || "not reported" },
    { label: "Gateway", text: formatGateway(status?.gatewayInfo) },
  ];
}

/** Returns the health of a runner, as of `at`. */
export function healthRow(runner: Runner, at: Date) {
  const { state } = runnerHealth(runner, { at });
  return { label: "Health", text: state, color: healthColor[state] };
}

function reasonRows(runner: Runner, at: Date): Row[] {
  const { reasons } = runnerHealth(runner, { at });
  return reasons.length > 0
    ? [{ label: "Reasons", text: reasons.map(({ message }) => message) }]
    : [];
}

/** Returns the phase of a runner. */
export function phaseRow({ status }: Runner) {
  const phase = status?.phase ?? RunnerPhase.UNSPECIFIED;
  const text = unknownEnumNames(status, "phase")[0] ?? enumShortName(RunnerPhaseSchema, phase);
  return { label: "Phase", text, color: phaseColor[phase] };
}

/** A heartbeat in the future, from a clock that is ahead, counts as "just now". */
function formatHeartbeat(updatedAt: Timestamp | undefined, at: Date): string {
  if (updatedAt === undefined) {
    return "none so far";
  }
  const time = timestampDate(updatedAt);
  return formatTime(time, time > at ? time : at);
}

function formatGateway(info: GatewayInfo | undefined): string {
  if (info?.gateway === undefined) {
    return "not connected";
  }
  const { name, region } = info.gateway;
  const place = region && ` in ${region}`;
  const latency = info.latency ? `, latency ${formatDuration(durationMs(info.latency))}` : "";
  return `${name}${place}${latency}`;
}
