import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import { nearestName } from "../runner/nearest-name.ts";
import { messageFromJson } from "../runner/runner-json.ts";
import { nanosecondsOf } from "./heartbeat.ts";
import { describe, kindOf, type MistakeReport, pathOf } from "./message-mistakes.ts";
import type { SourceNode } from "./source-document.ts";

/** The member of a fixture that is about serving, and never on the wire. */
export const serveMember = "$serve";

/** How a fixture wants to be served. */
export interface ServeOptions {
  /** How often the runner reports. Default: never. */
  readonly heartbeat?: Duration;
}

/** Reads what a fixture has as `$serve`, and finds all mistakes in it. */
export function readServeOptions(node: SourceNode, report: MistakeReport): ServeOptions {
  if (node.members === undefined) {
    report.add(node.offset, serveMember, `must be an object, not ${kindOf(node.value)}`);
    return {};
  }
  let options: ServeOptions = {};
  const seen = new Set<string>();
  for (const { name, offset, node: value } of node.members) {
    const path = pathOf(serveMember, name);
    if (name !== "heartbeat") {
      const hint = nearestName(name, ["heartbeat"])
        ? ": did you mean heartbeat?"
        : ", only heartbeat";
      report.add(offset, path, `is not known in ${serveMember}${hint}`);
    } else if (seen.has(name)) {
      report.add(offset, path, "is there twice: keep one");
    } else {
      const heartbeat = readInterval(value.value);
      if (heartbeat === undefined) {
        const problem = `must be a duration of more than 0 seconds, like "30s"`;
        report.add(value.offset, path, `${problem}, not ${describe(value.value)}`);
      } else {
        options = { heartbeat };
      }
    }
    seen.add(name);
  }
  return options;
}

function readInterval(json: unknown): Duration | undefined {
  if (typeof json !== "string") {
    return undefined;
  }
  try {
    const duration = messageFromJson(DurationSchema, json);
    return nanosecondsOf(duration) > 0n ? duration : undefined;
  } catch {
    return undefined;
  }
}
