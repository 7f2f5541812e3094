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
 * What `runnerctl status -o json` prints. All keys are always there; an empty
 * string, or null, stands for what the runner does not report.
 */
export type StatusReport = {
  runnerId: string;
  name: string;
  /** The full name, such as `RUNNER_PHASE_ACTIVE`; the number of one newer than the contract. */
  phase: string | number;
  /** The health and what keeps the runner from being healthy. */
  health: { state: string; reasons: { code: string; message: string }[] };
  /** What the runner says about its phase. */
  message: string;
  /** When the runner last reported, and how long ago that was. */
  heartbeat: { at: string; ageMs: number } | null;
  version: string;
  region: string;
  /** The gateway the runner is connected to. */
  gateway: { name: string; url: string; region: string; latencyMs: number | null } | null;
};

/** Makes the status of a runner, as seen at `at`, for programs. */
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
    gateway: gatewayReport(status?.gatewayInfo),
  };
}

function gatewayReport(info: GatewayInfo | undefined): StatusReport["gateway"] {
  if (info?.gateway === undefined) {
    return null;
  }
  const { name, url, region } = info.gateway;
  return { name, url, region, latencyMs: info.latency ? durationMs(info.latency) : null };
}

/** Makes the status of a runner, as seen at `at`, for people. */
export function statusRows(runner: Runner, at: Date): Row[] {
  const { status } = runner;
  return [
    { label: "Name", text: runner.name },
    { label: "ID", text: runner.runnerId },
    healthRow(runner, at),
    ...becauseRows(runner, at),
    phaseRow(runner),
    { label: "Message", text: status?.message || "none" },
    { label: "Heartbeat", text: heartbeatText(status?.updatedAt, at) },
    { label: "Version", text: status?.version || "not reported" },
    { label: "Region", text: status?.region || "not reported" },
    { label: "Gateway", text: gatewayText(status?.gatewayInfo) },
  ];
}

/** How well a runner is, as seen at `at`. */
export function healthRow(runner: Runner, at: Date) {
  const { state } = runnerHealth(runner, { at });
  return { label: "Health", text: state, color: healthColor[state] };
}

function becauseRows(runner: Runner, at: Date): Row[] {
  const { reasons } = runnerHealth(runner, { at });
  return reasons.length > 0
    ? [{ label: "Because", text: reasons.map(({ message }) => message) }]
    : [];
}

/** The phase of a runner. */
export function phaseRow({ status }: Runner) {
  const phase = status?.phase ?? RunnerPhase.UNSPECIFIED;
  const text = unknownEnumNames(status, "phase")[0] ?? enumShortName(RunnerPhaseSchema, phase);
  return { label: "Phase", text, color: phaseColor[phase] };
}

/** A heartbeat from the future has age 0. */
function heartbeatText(updatedAt: Timestamp | undefined, at: Date): string {
  if (updatedAt === undefined) {
    return "none so far";
  }
  const time = timestampDate(updatedAt);
  return formatTime(time, time > at ? time : at);
}

function gatewayText(info: GatewayInfo | undefined): string {
  if (info?.gateway === undefined) {
    return "not connected";
  }
  const { name, region } = info.gateway;
  const place = region && ` in ${region}`;
  const latency = info.latency ? `, latency ${formatDuration(durationMs(info.latency))}` : "";
  return `${name}${place}${latency}`;
}
