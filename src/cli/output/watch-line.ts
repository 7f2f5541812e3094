import type { DescEnum } from "@bufbuild/protobuf";
import {
  RunnerCapabilitySchema,
  RunnerPhaseSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortName } from "../../runner/enum-name.ts";
import type { HealthState } from "../../runner/runner-health.ts";
import { sanitize } from "../../runner/sanitize.ts";
import type { Color } from "./colorize.ts";
import { healthColor, phaseColor } from "./colors.ts";
import { minSpaces, renderLabelledText } from "./labelled-text.ts";
import { formatRequestId } from "./request-id.ts";
import { defaultLayout, type TextLayout } from "./text-layout.ts";
import type { WatchChange, WatchEvent } from "./watch-event.ts";

/** A line of text about an event. The label is the changed field or the type of the event. */
interface WatchLine {
  readonly label: string;
  readonly text: string;
  readonly color?: Color | undefined;
}

/** Options of {@link renderWatchEvent}. */
export interface WatchLineOptions {
  /** Whether several runners are watched, so that each line needs the ID of its runner. */
  readonly several: boolean;
  readonly colored: boolean;
  /** The layout of lines on a terminal. Default: each change is a single line. */
  readonly layout?: TextLayout | undefined;
}

/** With less space for text, it starts below the time and the label. */
const minTextColumns = 24;

/**
 * Formats an event of `runnerctl watch` as text: a line for each change, with its
 * time, the field, and the old and new value. Colors are used only if `colored`.
 */
export function renderWatchEvent(
  event: WatchEvent,
  { several, colored, layout = unlimitedLayout }: WatchLineOptions,
): string {
  const time = event.at.replace(/\.\d+/, "");
  const start = several ? `${time}  ${event.runnerId}` : time;
  return describeEvent(event)
    .flatMap((line) => {
      const label = `${start}  ${line.label.padEnd("capabilities".length)}`;
      const text = sanitize(line.text);
      const column = label.length + minSpaces;
      const isWrapped = column + layout.textWidth(text) > layout.columns;
      const isBelow = isWrapped && layout.columns - column < minTextColumns;
      return renderLabelledText(
        { ...line, label, text, column: isBelow ? minSpaces : column },
        colored,
        layout,
      );
    })
    .map((line) => `${line}\n`)
    .join("");
}

/** Lines that programs read, or that are in a file, are not wrapped. */
const unlimitedLayout: TextLayout = { ...defaultLayout, columns: Number.POSITIVE_INFINITY };

function describeEvent({ type, changes, error, status }: WatchEvent): WatchLine[] {
  switch (type) {
    case "runner":
      return [{ label: "runner", text: status?.name ?? "" }, ...changes.map(describeChange)];
    case "changed":
      return changes.map(describeChange);
    case "error":
      return [
        {
          label: type,
          text: `[${error?.code}] ${error?.message}${formatRequestId(error?.requestId)}`,
          color: "red",
        },
      ];
    case "recovered":
      return [{ label: type, text: "the server responds again", color: "green" }];
    case "deleted":
      return [{ label: type, text: "the runner no longer exists", color: "red" }];
  }
}

function describeChange(change: WatchChange): WatchLine {
  const { field: label } = change;
  switch (label) {
    case "phase": {
      const { from, to } = change;
      const phase = RunnerPhaseSchema.values.find(({ name }) => name === to)?.number ?? 0;
      const text = formatTransition(
        from && shortName(RunnerPhaseSchema, from),
        shortName(RunnerPhaseSchema, to),
      );
      return { label, text, color: phaseColor[phase] };
    }
    case "health": {
      const { state, reasons } = change.to;
      const messages = reasons.map(({ message }) => message).join(" ");
      const text = [formatTransition(change.from?.state, state), messages]
        .filter(Boolean)
        .join(": ");
      return { label, text, color: healthColor[state as HealthState] };
    }
    case "message":
      return { label, text: change.to || "none" };
    case "version":
      return { label, text: formatTransition(change.from, change.to || "not reported") };
    case "capabilities":
      return { label, text: formatCapabilities(change) };
  }
}

function formatCapabilities(change: WatchChange & { field: "capabilities" }): string {
  const prefixed = (prefix: string, names: readonly (string | number)[]) =>
    names.map((name) => prefix + shortName(RunnerCapabilitySchema, name));
  return change.from === null
    ? prefixed("", change.to).join(", ") || "none"
    : [...prefixed("+", change.added), ...prefixed("-", change.removed)].join(", ");
}

/** Returns `from -> to`, or only `to` if `from` is unknown or the same. */
function formatTransition(from: string | number | null | undefined, to: string): string {
  return from && from !== to ? `${from} -> ${to}` : to;
}

/** Returns the short name of a JSON enum value. A value newer than the contract is unchanged. */
function shortName(schema: DescEnum, json: string | number): string {
  const value = schema.values.find(({ name }) => name === json);
  return value === undefined ? String(json) : enumShortName(schema, value.number);
}
