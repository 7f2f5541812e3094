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

/** A condition that `runnerctl wait` can wait for. */
export interface Condition {
  /** The condition in its canonical spelling: `health=healthy`. */
  readonly text: string;
  /** Whether the condition holds at `at`. The runner is undefined if it does not exist. */
  readonly holds: (runner: Runner | undefined, at: Date) => boolean;
  /** Describes what the condition is about, as of `at`: `phase is created`. */
  readonly describeState: (runner: Runner, at: Date) => string;
}

/** A kind of condition that compares with a value, such as `health=…`. */
interface ConditionKind {
  /** The names of the values. */
  readonly names: readonly string[];
  /** Throws a RangeError that suggests a valid name if `value` is not one. */
  readonly parse: (value: string) => Condition;
}

const kinds: ReadonlyMap<string, ConditionKind> = new Map([
  ["health", { names: healthStates, parse: parseHealthCondition }],
  ["phase", { names: enumShortNames(RunnerPhaseSchema), parse: parsePhaseCondition }],
  [
    "capability",
    { names: enumShortNames(RunnerCapabilitySchema), parse: parseCapabilityCondition },
  ],
]);

function parseHealthCondition(value: string): Condition {
  const expected = healthStates.find((state) => state === value.toLowerCase());
  if (expected === undefined) {
    const suggestion = suggestName(value, healthStates);
    throw new RangeError(`unknown health ${JSON.stringify(value)}; ${suggestion}`);
  }
  return {
    text: `health=${expected}`,
    holds: (runner, at) => runner !== undefined && runnerHealth(runner, { at }).state === expected,
    describeState: (runner, at) => {
      const { state, reasons } = runnerHealth(runner, { at });
      const messages = reasons.map(({ message }) => message).join(" ");
      return messages === "" ? `health is ${state}` : `health is ${state}: ${messages}`;
    },
  };
}

function parsePhaseCondition(value: string): Condition {
  const expected = enumValueFromName(RunnerPhaseSchema, value);
  return {
    text: `phase=${enumShortName(RunnerPhaseSchema, expected)}`,
    holds: (runner) => runner?.status?.phase === expected,
    describeState: describePhase,
  };
}

function parseCapabilityCondition(value: string): Condition {
  const expected = enumValueFromName(RunnerCapabilitySchema, value);
  return {
    text: `capability=${enumShortName(RunnerCapabilitySchema, expected)}`,
    holds: (runner) => runner !== undefined && hasCapability(runner, expected),
    describeState: (runner) => `capabilities: ${capabilityNames(runner).join(", ") || "none"}`,
  };
}

/** The only condition without a value. The API may still return a deleted runner. */
const deleted: Condition = {
  text: "deleted",
  holds: (runner) => runner === undefined || runner.status?.phase === RunnerPhase.DELETED,
  describeState: describePhase,
};

/** Returns all conditions whose values have names, for shell completion. */
export function conditionNames(): string[] {
  const texts = [...kinds].flatMap(([kind, { names }]) => names.map((name) => `${kind}=${name}`));
  return [...texts, deleted.text];
}

/**
 * Parses a condition. Names may have any usual spelling: `health=healthy`,
 * `phase=RUNNER_PHASE_ACTIVE`, `capability=warmPool`, `deleted`.
 *
 * Throws a UsageError that suggests a valid condition if it is not one.
 */
export function parseCondition(text: string): Condition {
  if (text.toLowerCase() === deleted.text) {
    return deleted;
  }
  const [, name = "", value = ""] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  const kind = kinds.get(name.toLowerCase());
  if (kind === undefined) {
    throw new UsageError(`unknown condition ${JSON.stringify(text)}; ${suggestCondition(text)}`);
  }
  try {
    return kind.parse(value);
  } catch (error) {
    throw new UsageError((error as RangeError).message);
  }
}

function suggestCondition(text: string): string {
  const names = conditionNames();
  const suggestion = names.find((name) => name.endsWith(`=${text}`)) ?? nearestName(text, names);
  return suggestion === undefined
    ? "choose health=…, phase=…, capability=… or deleted"
    : `did you mean ${suggestion}?`;
}

function describePhase(runner: Runner): string {
  return `phase is ${phaseRow(runner).text}`;
}
