import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import type { FileRunnerStore } from "../../fixture/file-runner-store.ts";
import { isRequestable } from "../../fixture/fixture.ts";
import { enumShortName } from "../../runner/enum-name.ts";
import { sanitize } from "../../runner/sanitize.ts";
import { formatCount } from "./format-count.ts";

/** The maximum number of runners in the banner. */
const maxRunners = 20;

/** Formats the start-up output of `serve`: the address, the runners, and a curl command to try. */
export function formatServeBanner(
  url: string,
  store: Pick<FileRunnerStore, "size" | "runners">,
  needsToken: boolean,
): string {
  const shown = takeFirst(store.runners(), maxRunners);
  const lines = [
    `Serving ${formatCount(store.size, "runner")} on ${sanitize(url)}`,
    "",
    ...shown.map(formatRunner),
  ];
  if (store.size > shown.length) {
    lines.push(`  and ${store.size - shown.length} more`);
  }
  const example = findExample(shown) ?? findExample(store.runners());
  if (example !== undefined) {
    const options = [
      ...(url.startsWith("https:") ? ["--insecure"] : []),
      ...(needsToken ? ['-H "Authorization: Bearer $TOKEN"'] : []),
      "-H 'Content-Type: application/json'",
      `-d '{"runnerId":"${example.runnerId}"}'`,
    ];
    const endpoint = `${sanitize(url)}/gitpod.v1.RunnerService/GetRunner`;
    lines.push("", "Try:", `  curl ${options.join(" ")} ${endpoint}`);
  }
  return `${lines.join("\n")}\n`;
}

function takeFirst(runners: Iterable<Runner>, count: number): Runner[] {
  const first: Runner[] = [];
  for (const runner of runners) {
    if (first.push(runner) === count) {
      break;
    }
  }
  return first;
}

function formatRunner({ runnerId, name, status }: Runner): string {
  const phase = enumShortName(RunnerPhaseSchema, status?.phase ?? RunnerPhase.UNSPECIFIED);
  return `  ${sanitize(runnerId)}  ${phase.padEnd(8)}  ${sanitize(name)}`.trimEnd();
}

/** Returns a runner that can be requested, if possible an active one. */
function findExample(runners: Iterable<Runner>): Runner | undefined {
  let example: Runner | undefined;
  for (const runner of runners) {
    if (isRequestable(runner)) {
      example ??= runner;
      if (runner.status?.phase === RunnerPhase.ACTIVE) {
        return runner;
      }
    }
  }
  return example;
}
