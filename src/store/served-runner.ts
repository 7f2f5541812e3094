import type { Duration } from "@bufbuild/protobuf/wkt";
import { GetRunnerResponseSchema, RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { type EncodedRunner, encodedFromJson, runnerToJson } from "./encoded-runner.ts";
import type { Fixture } from "./fixture.ts";
import { createHeartbeat, type Heartbeat, nanosecondsOf } from "./heartbeat.ts";
import type { KeepText } from "./kept-text.ts";

/** What serves a runner: the runner if it is served as it is, or what makes it look alive. */
export type ServedRunner = EncodedRunner | Heartbeat;

/** The runners that are served, by their ids. */
export type ServedRunners = ReadonlyMap<string, ServedRunner>;

/** The runner as it is served at a time. */
export function versionAt(served: ServedRunner, now: () => Date): EncodedRunner {
  return isHeartbeat(served) ? served.at(now()) : served;
}

/**
 * Keeps a fixture to serve it. If the one in `before` with the same id is equal, it is that one.
 */
export function keepFixture(
  { runner, heartbeat, json: text = runnerToJson(runner) }: Fixture,
  before: ServedRunners,
  keep: KeepText,
): ServedRunner {
  const runnerId = runner.runnerId.toLowerCase();
  const known = before.get(runnerId);
  if (known !== undefined && serves(known, text, heartbeat)) {
    return known;
  }
  const json = keep(text);
  return heartbeat === undefined
    ? encodedFromJson(runnerId, json)
    : createHeartbeat(runnerId, json, heartbeat);
}

/**
 * Finds the runner in `before` that is the same as in the JSON of a fixture, letter by letter. There is
 * nothing to find out about it then that is not known.
 */
export function findUnchanged(json: string, before: ServedRunners): ServedRunner | undefined {
  const [, runnerId] = beginning.exec(json) ?? [];
  const known = runnerId && before.get(runnerId.toLowerCase());
  return known && serves(known, json) ? known : undefined;
}

/** What the JSON of a runner begins with, as the runtime writes it. */
const beginning = new RegExp(
  `^{"${GetRunnerResponseSchema.field.runner.jsonName}":{"${RunnerSchema.field.runnerId.jsonName}":"([^"\\\\]+)"`,
);

function serves(known: ServedRunner, json: string, heartbeat?: Duration): boolean {
  const every = isHeartbeat(known) ? known.interval : undefined;
  const kept = isHeartbeat(known) ? known.json.toString() : known.encode("json", "identity");
  return (
    every === (heartbeat && nanosecondsOf(heartbeat)) &&
    kept === Buffer.from(json).toString("latin1")
  );
}

function isHeartbeat(served: ServedRunner): served is Heartbeat {
  return "at" in served;
}
