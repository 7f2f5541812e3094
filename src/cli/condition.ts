import {
  type Runner,
  RunnerCapabilitySchema,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { capabilityNames, hasCapability } from "../runner/capabilities.ts";
import { enumShortName, enumShortNames, enumValueFromName } from "../runner/enum-name.ts";
import { nearestName, suggestName } from "../runner/nearest-name.ts";
import { healthStates, runnerHealth } from "../runner/runner-health.ts";
import { phaseRow } from "./output/status-report.ts";
import { UsageError } from "./usage-error.ts";

/** Something about a runner that can be waited for. */
export interface Condition {
  /** How it is written: `health=healthy`. */
  readonly text: string;
  /** Whether it holds at `at`, for a runner or, if there is no such runner, for undefined. */
  readonly holds: (runner: Runner | undefined, at: Date) => boolean;
  /** How a runner stands at `at`, in what the condition is about. */
  readonly stateOf: (runner: Runner, at: Date) => string;
}

/** Conditions that are about a value: the names that it can have, and what reads one. */
interface ConditionKind {
  readonly names: readonly string[];
  /** Throws a RangeError that names the nearest right name for a wrong one. */
  readonly parse: (value: string) => Condition;
}

const kinds: ReadonlyMap<string, ConditionKind> = new Map([
  ["health", { names: healthStates, parse: healthCondition }],
  ["phase", { names: enumShortNames(RunnerPhaseSchema), parse: phaseCondition }],
  ["capability", { names: enumShortNames(RunnerCapabilitySchema), parse: capabilityCondition }],
]);

function healthCondition(value: string): Condition {
  const wanted = healthStates.find((state) => state === value.toLowerCase());
  if (wanted === undefined) {
    const advice = suggestName(value, healthStates);
    throw new RangeError(`there is no health ${JSON.stringify(value)}: ${advice}`);
  }
  return {
    text: `health=${wanted}`,
    holds: (runner, at) => runner !== undefined && runnerHealth(runner, { at }).state === wanted,
    stateOf: (runner, at) => {
      const { state, reasons } = runnerHealth(runner, { at });
      const because = reasons.map(({ message }) => message).join(" ");
      return because === "" ? `it is ${state}` : `it is ${state}: ${because}`;
    },
  };
}

function phaseCondition(value: string): Condition {
  const wanted = enumValueFromName(RunnerPhaseSchema, value);
  return {
    text: `phase=${enumShortName(RunnerPhaseSchema, wanted)}`,
    holds: (runner) => runner?.status?.phase === wanted,
    stateOf: phaseText,
  };
}

function capabilityCondition(value: string): Condition {
  const wanted = enumValueFromName(RunnerCapabilitySchema, value);
  return {
    text: `capability=${enumShortName(RunnerCapabilitySchema, wanted)}`,
    holds: (runner) => runner !== undefined && hasCapability(runner, wanted),
    stateOf: (runner) => `it has ${capabilityNames(runner).join(", ") || "no capabilities"}`,
  };
}

/** The one that is about no value. A runner may be deleted and still there to be read. */
const deleted: Condition = {
  text: "deleted",
  holds: (runner) => runner === undefined || runner.status?.phase === RunnerPhase.DELETED,
  stateOf: phaseText,
};

/** All conditions whose values have names. */
export function conditionNames(): string[] {
  const texts = [...kinds].flatMap(([kind, { names }]) => names.map((name) => `${kind}=${name}`));
  return [...texts, deleted.text];
}

/**
 * Reads a condition, with names in any usual spelling: `health=healthy`,
 * `phase=RUNNER_PHASE_ACTIVE`, `capability=warmPool`, `deleted`.
 *
 * Throws a UsageError that names the nearest right one for anything else.
 */
export function parseCondition(text: string): Condition {
  if (text.toLowerCase() === deleted.text) {
    return deleted;
  }
  const [, name = "", value = ""] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  const kind = kinds.get(name.toLowerCase());
  if (kind === undefined) {
    throw new UsageError(`there is no condition ${JSON.stringify(text)}: ${adviceOn(text)}`);
  }
  try {
    return kind.parse(value);
  } catch (error) {
    throw new UsageError((error as RangeError).message);
  }
}

function adviceOn(text: string): string {
  const texts = conditionNames();
  const meant = texts.find((right) => right.endsWith(`=${text}`)) ?? nearestName(text, texts);
  return meant === undefined
    ? "choose health=…, phase=…, capability=… or deleted"
    : `did you mean ${meant}?`;
}

function phaseText(runner: Runner): string {
  return `it is in phase ${phaseRow(runner).text}`;
}
