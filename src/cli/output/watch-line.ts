import type { DescEnum } from "@bufbuild/protobuf";
import {
  RunnerCapabilitySchema,
  RunnerPhaseSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortName } from "../../runner/enum-name.ts";
import type { HealthState } from "../../runner/runner-health.ts";
import { healthColor, phaseColor } from "./colors.ts";
import { type Color, paint, sanitize } from "./rows.ts";
import type { WatchChange, WatchEvent } from "./watch-event.ts";

/** A line about an event, for people. */
interface WatchLine {
  readonly label: string;
  readonly text: string;
  readonly color?: Color | undefined;
}

/**
 * Writes an event of `runnerctl watch` for people: a line for each change, with
 * its time, what it is about, and how it was and is. Coloured only if `colored`.
 */
export function renderWatchEvent(event: WatchEvent, colored: boolean): string {
  const time = event.at.replace(/\.\d+/, "");
  return linesOf(event)
    .map(({ label, text, color }) => {
      const painted = colored ? paint(sanitize(text), color) : sanitize(text);
      return `${`${time}  ${label.padEnd("capabilities".length)}  ${painted}`.trimEnd()}\n`;
    })
    .join("");
}

function linesOf({ type, changes, error, status }: WatchEvent): WatchLine[] {
  switch (type) {
    case "runner":
      return [{ label: "runner", text: status?.name ?? "" }, ...changes.map(lineOf)];
    case "changed":
      return changes.map(lineOf);
    case "trouble":
      return [{ label: type, text: `[${error?.code}] ${error?.message}`, color: "red" }];
    case "recovered":
      return [{ label: type, text: "the server answers again", color: "green" }];
    case "deleted":
      return [{ label: type, text: "there is no such runner any more", color: "red" }];
  }
}

function lineOf(change: WatchChange): WatchLine {
  const { field: label } = change;
  switch (label) {
    case "phase": {
      const { from, to } = change;
      const phase = RunnerPhaseSchema.values.find(({ name }) => name === to)?.number ?? 0;
      const text = fromTo(
        from && shortName(RunnerPhaseSchema, from),
        shortName(RunnerPhaseSchema, to),
      );
      return { label, text, color: phaseColor[phase] };
    }
    case "health": {
      const { state, reasons } = change.to;
      const because = reasons.map(({ message }) => message).join(" ");
      const text = [fromTo(change.from?.state, state), because].filter(Boolean).join(": ");
      return { label, text, color: healthColor[state as HealthState] };
    }
    case "message":
      return { label, text: change.to || "none" };
    case "version":
      return { label, text: fromTo(change.from, change.to || "not reported") };
    case "capabilities":
      return { label, text: capabilitiesText(change) };
  }
}

function capabilitiesText(change: WatchChange & { field: "capabilities" }): string {
  const named = (start: string, names: readonly (string | number)[]) =>
    names.map((name) => start + shortName(RunnerCapabilitySchema, name));
  return change.from === null
    ? named("", change.to).join(", ") || "none"
    : [...named("+", change.added), ...named("-", change.removed)].join(", ");
}

/** What it is, and what it was if that is known and another. */
function fromTo(from: string | number | null | undefined, to: string): string {
  return from && from !== to ? `${from} -> ${to}` : to;
}

/** The short name of an enum value that is told as in JSON. One newer than the contract is told as it is. */
function shortName(schema: DescEnum, json: string | number): string {
  const value = schema.values.find(({ name }) => name === json);
  return value === undefined ? String(json) : enumShortName(schema, value.number);
}
