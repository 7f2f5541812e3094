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
  /** Whether another condition, in its canonical spelling, can never hold at the same time. */
  readonly excludes: (text: string) => boolean;
}

/** A kind of condition that compares with a value, such as `health=…` or `health!=…`. */
interface ConditionKind {
  /** The names of the values. */
  readonly names: readonly string[];
  /** Whether a runner has only one of the values at a time. */
  readonly isExclusive: boolean;
  /** Throws a RangeError that suggests a valid name if `value` is not one. */
  readonly parse: (value: string) => Expectation;
}

/** What a condition expects of a runner that exists. */
interface Expectation {
  /** The canonical name of the expected value. */
  readonly name: string;
  readonly isMet: (runner: Runner, at: Date) => boolean;
  readonly describeState: Condition["describeState"];
}

const kinds: ReadonlyMap<string, ConditionKind> = new Map([
  ["health", { names: healthStates, isExclusive: true, parse: parseHealth }],
  ["phase", { names: enumShortNames(RunnerPhaseSchema), isExclusive: true, parse: parsePhase }],
  [
    "capability",
    { names: enumShortNames(RunnerCapabilitySchema), isExclusive: false, parse: parseCapability },
  ],
]);

function parseHealth(value: string): Expectation {
  const expected = healthStates.find((state) => state === value.toLowerCase());
  if (expected === undefined) {
    const suggestion = suggestName(value, healthStates);
    throw new RangeError(`unknown health ${JSON.stringify(value)}; ${suggestion}`);
  }
  return {
    name: expected,
    isMet: (runner, at) => runnerHealth(runner, { at }).state === expected,
    describeState: (runner, at) => {
      const { state, reasons } = runnerHealth(runner, { at });
      const messages = reasons.map(({ message }) => message).join(" ");
      return messages === "" ? `health is ${state}` : `health is ${state}: ${messages}`;
    },
  };
}

function parsePhase(value: string): Expectation {
  const expected = enumValueFromName(RunnerPhaseSchema, value);
  return {
    name: enumShortName(RunnerPhaseSchema, expected),
    isMet: (runner) => runner.status?.phase === expected,
    describeState: describePhase,
  };
}

function parseCapability(value: string): Expectation {
  const expected = enumValueFromName(RunnerCapabilitySchema, value);
  return {
    name: enumShortName(RunnerCapabilitySchema, expected),
    isMet: (runner) => hasCapability(runner, expected),
    describeState: (runner) => `capabilities: ${capabilityNames(runner).join(", ") || "none"}`,
  };
}

/** The only condition without a value. The API may still return a deleted runner. */
const deleted: Condition = {
  text: "deleted",
  holds: (runner) => runner === undefined || runner.status?.phase === RunnerPhase.DELETED,
  describeState: describePhase,
  excludes: (text) => /^phase(=(?!deleted$)|!=deleted$)/.test(text),
};

/** Returns all conditions whose values have names, for shell completion. */
export function conditionNames(): string[] {
  const texts = [...kinds].flatMap(([kind, { names }]) => names.map((name) => `${kind}=${name}`));
  return [...texts, deleted.text];
}

/**
 * Parses the conditions that must all hold, and returns each once.
 *
 * Throws a UsageError if one is invalid, or if two of them can never hold together: nobody
 * would wait for that, but it is easy to mistake a list of conditions for alternatives.
 */
export function parseConditions(texts: readonly string[]): Condition[] {
  const conditions = new Map(
    texts
      .map((text) => parseCondition(text.trim()))
      .map((condition) => [condition.text, condition]),
  );
  for (const { text, excludes } of conditions.values()) {
    const excluded = [...conditions.keys()].find((other) => other !== text && excludes(other));
    if (excluded !== undefined) {
      throw new UsageError(
        `${text} and ${excluded} can never hold together, and wait waits for all conditions`,
      );
    }
  }
  return [...conditions.values()];
}

/**
 * Parses a condition. Names may have any usual spelling: `health=healthy`,
 * `phase=RUNNER_PHASE_ACTIVE`, `capability=warmPool`, `deleted`. With `!=` instead of `=`, the
 * condition holds if the runner exists and has another value, or lacks the capability.
 *
 * Throws a UsageError that suggests a valid condition if it is not one.
 */
export function parseCondition(text: string): Condition {
  if (text.toLowerCase() === deleted.text) {
    return deleted;
  }
  const [, kindName = "", operator = "", value = ""] = /^(\w+)(!?=)(.*)$/s.exec(text) ?? [];
  const name = kindName.toLowerCase();
  const kind = kinds.get(name);
  if (kind === undefined) {
    throw new UsageError(`unknown condition ${JSON.stringify(text)}; ${suggestCondition(text)}`);
  }
  const isNegated = operator === "!=";
  try {
    const expectation = kind.parse(value);
    const opposite = `${name}${isNegated ? "=" : "!="}${expectation.name}`;
    return {
      text: `${name}${operator}${expectation.name}`,
      holds: (runner, at) => runner !== undefined && expectation.isMet(runner, at) !== isNegated,
      describeState: expectation.describeState,
      excludes: (other) =>
        other === opposite || (kind.isExclusive && !isNegated && other.startsWith(`${name}=`)),
    };
  } catch (error) {
    throw new UsageError((error as RangeError).message);
  }
}

function suggestCondition(text: string): string {
  const names = text.includes("!")
    ? conditionNames().flatMap((name) => (name.includes("=") ? [name.replace("=", "!=")] : []))
    : conditionNames();
  const suggestion =
    names.find((name) => name.endsWith(`=${text.replace(/^!/, "")}`)) ?? nearestName(text, names);
  return suggestion === undefined
    ? "choose health=…, phase=…, capability=… or deleted"
    : `did you mean ${suggestion}?`;
}

function describePhase(runner: Runner): string {
  return `phase is ${phaseRow(runner).text}`;
}
