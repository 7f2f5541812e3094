import type { JsonValue } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { type Runner, RunnerCapabilitySchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { codeName } from "../../client/connect-error.ts";
import type { PollResult } from "../../client/poll-runner.ts";
import { enumJson, unknownEnumNames } from "../../runner/enum-name.ts";
import { formatTimestamp } from "./format-time.ts";
import { type StatusReport, statusReport } from "./status-report.ts";

/**
 * What `runnerctl watch -o json` prints, one on each line. All keys are always
 * there.
 */
export type WatchEvent = {
  /**
   * - `runner`: the runner as it is at first, with all of `changes`
   * - `changed`: something of it is different
   * - `trouble`: calls fail, for a reason that was not told yet
   * - `recovered`: they do no longer
   * - `deleted`: there is no such runner any more; the last event
   */
  type: "runner" | "changed" | "trouble" | "recovered" | "deleted";
  /** When it was noticed. */
  at: string;
  /** What differs; empty when it is something else that happened. */
  changes: WatchChange[];
  /** Why calls fail, for `trouble` only. */
  error: { code: string; message: string } | null;
  /** The runner as it was last seen; null when it was not seen yet. */
  status: StatusReport | null;
};

/** A difference. `from` is null when the runner is seen for the first time. */
export type WatchChange =
  | { field: "phase"; from: StatusReport["phase"] | null; to: StatusReport["phase"] }
  | { field: "health"; from: StatusReport["health"] | null; to: StatusReport["health"] }
  | { field: "message" | "version"; from: string | null; to: string }
  | {
      field: "capabilities";
      /** Full names, such as `RUNNER_CAPABILITY_WARM_POOL`; the numbers of newer ones. */
      from: (string | number)[] | null;
      to: (string | number)[];
      added: (string | number)[];
      removed: (string | number)[];
    };

/**
 * Creates what tells the events from the calls that were made, one after the
 * other, and when each ended.
 *
 * `watchRunner` tells what a runner says differently. This tells what it means
 * differently, too: a heartbeat that stays the same makes a runner degraded. It
 * is judged after each call, not by the clock alone: without an answer nobody
 * knows whether heartbeats go on.
 */
export function createWatchEvents(): (poll: PollResult, at: Date) => WatchEvent[] {
  let last: Seen | undefined;
  const troubles = new Set<Code>();
  return ({ runner, error }, at) => {
    const event = (type: WatchEvent["type"], more: Partial<WatchEvent> = {}): WatchEvent => ({
      type,
      at: formatTimestamp(at),
      changes: [],
      error: null,
      status: last?.status ?? null,
      ...more,
    });
    if (error?.code === Code.NotFound) {
      return [event("deleted")];
    }
    if (error !== undefined) {
      const isTold = troubles.has(error.code);
      troubles.add(error.code);
      const { code, rawMessage: message } = error;
      return isTold ? [] : [event("trouble", { error: { code: codeName(code), message } })];
    }
    const before = last;
    last = { status: statusReport(runner, at), capabilities: capabilitiesOf(runner) };
    const events = troubles.size > 0 ? [event("recovered")] : [];
    troubles.clear();
    const changes = changesOf(before, last);
    if (changes.length > 0) {
      events.push(event(before === undefined ? "runner" : "changed", { changes }));
    }
    return events;
  };
}

interface Seen {
  readonly status: StatusReport;
  readonly capabilities: (string | number)[];
}

function capabilitiesOf({ status }: Runner): Seen["capabilities"] {
  return [
    ...(status?.capabilities ?? []).map((value) => enumJson(RunnerCapabilitySchema, value)),
    ...unknownEnumNames(status, "capabilities"),
  ];
}

function changesOf(before: Seen | undefined, after: Seen): WatchChange[] {
  const { status } = after;
  const from = before?.status;
  const capabilities = {
    field: "capabilities",
    from: before?.capabilities ?? null,
    to: after.capabilities,
    added: without(after.capabilities, before?.capabilities),
    removed: without(before?.capabilities, after.capabilities),
  } as const;
  const changes: WatchChange[] = [
    { field: "phase", from: from?.phase ?? null, to: status.phase },
    { field: "health", from: from?.health ?? null, to: status.health },
    { field: "message", from: from?.message ?? null, to: status.message },
    { field: "version", from: from?.version ?? null, to: status.version },
    capabilities,
  ];
  return changes.filter(differs);
}

function differs(change: WatchChange): boolean {
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

/** What is the same as long as health is: the words of a reason tell how late a heartbeat is. */
function healthKey({ state, reasons }: StatusReport["health"]): string {
  return [state, ...reasons.map(({ code }) => code)].join();
}

function without(items: readonly JsonValue[] = [], others: readonly JsonValue[] = []) {
  return items.filter((item) => !others.includes(item)) as Seen["capabilities"];
}
