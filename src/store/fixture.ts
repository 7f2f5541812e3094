import {
  create,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { Path } from "@bufbuild/protobuf/reflect";
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { Validator } from "@bufbuild/protovalidate";
import {
  type GetRunnerRequest,
  GetRunnerRequestSchema,
  type GetRunnerResponse,
  GetRunnerResponseSchema,
  type Runner,
  RunnerSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { nearestName } from "../runner/nearest-name.ts";
import { keepsPlainRules } from "../runner/plain-rules.ts";
import { runnerFromJson } from "../runner/runner-json.ts";
import { messageFromCanonicalJson } from "./canonical-json.ts";
import { findMessageMistakes, kindOf, type MistakeReport, pathOf } from "./message-mistakes.ts";
import { readServeOptions, serveMember } from "./serve-options.ts";
import type { SourceMember, SourceNode } from "./source-document.ts";

/** A runner to serve, and how. */
export interface Fixture {
  readonly runner: Runner;
  /**
   * How often the runner reports: its `status.updatedAt`, which is then there, goes with
   * the time. Not there when the runner is served as it is.
   */
  readonly heartbeat?: Duration;
  /** The runner as `runnerToJson` writes it, if that is known. */
  readonly json?: string;
}

/** Something wrong with a fixture, at an offset of its document. */
export interface Finding {
  readonly offset: number;
  /** The field, in JSON spelling. Not there when it is the document. */
  readonly field?: string;
  readonly message: string;
  /** The id of the rule that is broken, if it is that. */
  readonly ruleId?: string;
}

const runnerIdPath: Path = [GetRunnerResponseSchema.field.runner, RunnerSchema.field.runnerId];

/**
 * Reads a fixture: a GetRunnerResponse in Protobuf JSON, and beside `runner`
 * possibly `$serve`.
 *
 * Returns undefined when anything is wrong with it, or may be: {@link examineFixture}
 * tells what.
 */
export function readFixture(json: unknown): Fixture | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return undefined;
  }
  const { [serveMember]: serve, ...response } = json as JsonObject;
  try {
    const canonical = messageFromCanonicalJson(GetRunnerResponseSchema, response);
    const message = canonical ?? runnerFromJson(response);
    const { runner } = message;
    if (runner === undefined || !keepsRules(message, runner)) {
      return undefined;
    }
    let mistakes = 0;
    const report = { add: () => mistakes++, doubt: () => {}, place: String };
    const fixture = serve === undefined ? { runner } : readServe(runner, plainNode(serve), report);
    if (mistakes > 0) {
      return undefined;
    }
    return canonical === undefined ? fixture : { ...fixture, json: JSON.stringify(response) };
  } catch {
    return undefined;
  }
}

/**
 * Finds all that is wrong with a fixture, in the order of its document.
 *
 * `fixture` is there when nothing is wrong but that rules are broken. `place`
 * names an offset as `line:column`.
 */
export async function examineFixture(
  root: SourceNode,
  place: (offset: number) => string,
): Promise<{ fixture?: Fixture; findings: Finding[] }> {
  const findings: Finding[] = [];
  const doubts: string[] = [];
  const report: MistakeReport = {
    add: (offset, path, message) => {
      findings.push({ offset, ...(path !== "" && { field: path }), message });
      doubts.push(path);
    },
    doubt: (path) => void doubts.push(path),
    place,
  };
  const { response, serve } = takeApart(root, report);
  const message = readMessage(response, report);
  const runner = message?.runner;
  if (message !== undefined) {
    for (const { path, message: problem, ruleId } of await brokenRules(message)) {
      const { offset, field } = locate(root, path);
      if (!doubts.some((doubt) => isAtOrBelow(field, doubt))) {
        findings.push({ offset, field, message: problem, ruleId });
      }
    }
  }
  const fixture =
    serve === undefined || runner === undefined
      ? runner && { runner }
      : readServe(runner, serve.node, report);
  findings.sort((a, b) => a.offset - b.offset);
  const readable = fixture !== undefined && findings.every(({ ruleId }) => ruleId !== undefined);
  return { ...(readable && { fixture }), findings };
}

function isAtOrBelow(field: string, path: string): boolean {
  return field.startsWith(path) && /^([.[]|$)/.test(field.slice(path.length));
}

/** A value whose place nobody asks for. */
function plainNode(value: JsonValue): SourceNode {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { offset: 0, value };
  }
  const members = Object.entries(value).map(([name, item]) => ({
    name,
    offset: 0,
    node: plainNode(item),
  }));
  return { offset: 0, value, members };
}

/** Parts what is on the wire from what is not. */
function takeApart(
  root: SourceNode,
  report: MistakeReport,
): { response: SourceNode; serve?: SourceMember } {
  const members: SourceMember[] = [];
  let serve: SourceMember | undefined;
  for (const member of root.members ?? []) {
    const { name, offset } = member;
    if (name === serveMember) {
      if (serve !== undefined) {
        const first = report.place(serve.offset);
        report.add(offset, name, `is there twice, first at ${first}: keep one`);
      }
      serve ??= member;
    } else if (nearestName(name, ["runner", serveMember]) === serveMember) {
      report.add(
        offset,
        pathOf("", name),
        `is not known in a fixture: did you mean ${serveMember}?`,
      );
    } else {
      members.push(member);
    }
  }
  const response = root.members === undefined ? root : { ...root, members };
  return { response, ...(serve !== undefined && { serve }) };
}

function readMessage(response: SourceNode, report: MistakeReport): GetRunnerResponse | undefined {
  if (response.members === undefined) {
    const kind = kindOf(response.value);
    report.add(response.offset, "", `must be an object with a "runner" in it, not ${kind}`);
    return undefined;
  }
  const right = findMessageMistakes(GetRunnerResponseSchema, response, "", report);
  return right && runnerFromJson(right);
}

function readServe(runner: Runner, node: SourceNode, report: MistakeReport): Fixture {
  const { heartbeat } = readServeOptions(node, report);
  if (heartbeat === undefined) {
    return { runner };
  }
  if (runner.status?.updatedAt === undefined) {
    const { offset } = node.members?.find(({ name }) => name === "heartbeat")?.node ?? node;
    const problem = "needs a first time to count from: set runner.status.updatedAt";
    report.add(offset, pathOf(serveMember, "heartbeat"), problem);
    return { runner };
  }
  return { runner, heartbeat };
}

/** Where the id of the runner is in a fixture. */
export function offsetOfRunnerId(root: SourceNode): number {
  return locate(root, runnerIdPath).offset;
}

interface BrokenRule {
  readonly path: Path;
  readonly message: string;
  readonly ruleId: string;
}

/** The request for a runner. It has to keep its rules, too: nobody could ask for the runner otherwise. */
function requestFor({ runnerId }: Runner): GetRunnerRequest {
  return create(GetRunnerRequestSchema, { runnerId });
}

/** Whether the rules of the contract are plainly kept. */
function keepsRules(response: GetRunnerResponse, runner: Runner): boolean {
  return (
    keepsPlainRules(GetRunnerResponseSchema, response) &&
    keepsPlainRules(GetRunnerRequestSchema, requestFor(runner))
  );
}

/** The rules of the contract that are broken. */
async function brokenRules(response: GetRunnerResponse): Promise<BrokenRule[]> {
  const broken = await brokenRulesOf(GetRunnerResponseSchema, response);
  if (response.runner === undefined) {
    return broken;
  }
  const ofId = await brokenRulesOf(GetRunnerRequestSchema, requestFor(response.runner));
  return [...broken, ...ofId.map((rule) => ({ ...rule, path: runnerIdPath }))];
}

let validator: Promise<Validator> | undefined;

async function brokenRulesOf<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): Promise<BrokenRule[]> {
  validator ??= import("@bufbuild/protovalidate").then(({ createValidator }) => createValidator());
  const { kind, error, violations = [] } = (await validator).validate(schema, message);
  if (kind === "error") {
    throw error;
  }
  return violations.map(({ field, message, ruleId }) => ({ path: field, message, ruleId }));
}

/** Finds a field, or what is nearest to it if it is not there, and spells it as JSON does. */
function locate(root: SourceNode, path: Path): { offset: number; field: string } {
  let field = "";
  let offset = root.offset;
  let node: SourceNode | undefined = root;
  for (const step of path) {
    if (step.kind === "list_sub") {
      field += `[${step.index}]`;
      node = node?.items?.[step.index];
    } else if (step.kind === "field") {
      field = pathOf(field, step.jsonName);
      node = node?.members?.find(({ name }) => name === step.jsonName || name === step.name)?.node;
    }
    offset = node?.offset ?? offset;
  }
  return { offset, field };
}
