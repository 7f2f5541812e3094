import type { JsonValue } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { type Runner, RunnerCapabilitySchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { codeName } from "../../client/connect-error.ts";
import type { PollResult } from "../../client/poll-runner.ts";
import { enumJson, unknownEnumNames } from "../../runner/enum-name.ts";
import { formatTimestamp } from "./format-time.ts";
import { requestIdOf } from "./request-id.ts";
import { type StatusReport, statusReport } from "./status-report.ts";

/**
 * An event of `runnerctl watch -o json`, printed as one line. All keys are always
 * present.
 */
export type WatchEvent = {
  /**
   * - `runner`: the initial state of the runner, with all fields in `changes`
   * - `changed`: at least one field changed
   * - `error`: a call failed with a transient error; once for each code until `recovered`
   * - `recovered`: a call succeeded after errors
   * - `deleted`: the runner no longer exists; the last event
   */
  type: "runner" | "changed" | "error" | "recovered" | "deleted";
  /** When the event was detected. */
  at: string;
  /** The runner that the event is about, as it was given to the command. */
  runnerId: string;
  /** The changed fields, for `runner` and `changed`; otherwise empty. */
  changes: WatchChange[];
  /** Why the call failed, for `error`; otherwise null. The server may send no request ID. */
  error: { code: string; message: string; requestId: string | null } | null;
  /** The runner as last seen; null before the first successful call. */
  status: StatusReport | null;
};

/** A changed field. `from` is null in the initial `runner` event. */
export type WatchChange =
  | { field: "phase"; from: StatusReport["phase"] | null; to: StatusReport["phase"] }
  | { field: "health"; from: StatusReport["health"] | null; to: StatusReport["health"] }
  | { field: "message" | "version"; from: string | null; to: string }
  | {
      field: "capabilities";
      /** Full names, such as `RUNNER_CAPABILITY_WARM_POOL`, or numbers if names are unknown. */
      from: (string | number)[] | null;
      to: (string | number)[];
      added: (string | number)[];
      removed: (string | number)[];
    };

/**
 * Creates a function that turns the results of polling a runner into events. Call it with
 * the result of each call, in order, and the time when the call ended.
 *
 * The library's `watchRunner` compares what a runner reports. This function also
 * compares its health, which can change without a new report: a heartbeat that
 * is not renewed degrades the runner. Health is evaluated only after a successful
 * call, because heartbeats may still reach the server while calls to it fail.
 */
export function createWatchEventDetector(
  runnerId: string,
): (poll: PollResult, at: Date) => WatchEvent[] {
  let last: Snapshot | undefined;
  const reportedErrors = new Set<Code>();
  return ({ runner, error }, at) => {
    const event = (type: WatchEvent["type"], more: Partial<WatchEvent> = {}): WatchEvent => ({
      type,
      at: formatTimestamp(at),
      runnerId,
      changes: [],
      error: null,
      status: last?.status ?? null,
      ...more,
    });
    if (error?.code === Code.NotFound) {
      return [event("deleted")];
    }
    if (error !== undefined) {
      const isReported = reportedErrors.has(error.code);
      reportedErrors.add(error.code);
      const { rawMessage: message } = error;
      const requestId = requestIdOf(error) ?? null;
      const details = { code: codeName(error.code), message, requestId };
      return isReported ? [] : [event("error", { error: details })];
    }
    const previous = last;
    last = { status: statusReport(runner, at), capabilities: listCapabilities(runner) };
    const events = reportedErrors.size > 0 ? [event("recovered")] : [];
    reportedErrors.clear();
    const changes = diffSnapshots(previous, last);
    if (changes.length > 0) {
      events.push(event(previous === undefined ? "runner" : "changed", { changes }));
    }
    return events;
  };
}

interface Snapshot {
  readonly status: StatusReport;
  readonly capabilities: (string | number)[];
}

function listCapabilities({ status }: Runner): Snapshot["capabilities"] {
  return [
    ...(status?.capabilities ?? []).map((value) => enumJson(RunnerCapabilitySchema, value)),
    ...unknownEnumNames(status, "capabilities"),
  ];
}

function diffSnapshots(previous: Snapshot | undefined, current: Snapshot): WatchChange[] {
  const { status } = current;
  const from = previous?.status;
  const capabilities = {
    field: "capabilities",
    from: previous?.capabilities ?? null,
    to: current.capabilities,
    added: difference(current.capabilities, previous?.capabilities),
    removed: difference(previous?.capabilities, current.capabilities),
  } as const;
  const changes: WatchChange[] = [
    { field: "phase", from: from?.phase ?? null, to: status.phase },
    { field: "health", from: from?.health ?? null, to: status.health },
    { field: "message", from: from?.message ?? null, to: status.message },
    { field: "version", from: from?.version ?? null, to: status.version },
    capabilities,
  ];
  return changes.filter(isDifferent);
}

function isDifferent(change: WatchChange): boolean {
  if (change.from === null) {
    return true;
  }
  switch (change.field) {
    case "health":
      return healthKey(change.from) !== healthKey(change.to);
    case "capabilities":
      return change.added.length + change.removed.length > 0;
    default:
      return change.from !== change.to;
  }
}

/** Ignores the messages of the reasons, because they contain the age of the heartbeat. */
function healthKey({ state, reasons }: StatusReport["health"]): string {
  return [state, ...reasons.map(({ code }) => code)].join();
}

function difference(items: readonly JsonValue[] = [], others: readonly JsonValue[] = []) {
  return items.filter((item) => !others.includes(item)) as Snapshot["capabilities"];
}
