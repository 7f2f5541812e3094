import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortName } from "../../runner/enum-name.ts";
import { sanitize } from "../../runner/sanitize.ts";

/** What {@link formatServeBanner} is about. */
export interface ServeBannerOptions {
  /** The base URL of the server. */
  readonly url: string;
  readonly runners: Iterable<Runner>;
  /** The number of runners. */
  readonly size: number;
  /** Whether callers need a token. */
  readonly needsToken: boolean;
}

/** The maximum number of runners in the banner. */
const maxRunners = 20;

/** Formats the start-up output of `serve`: the address, the runners, and a curl command to try. */
export function formatServeBanner({ url, runners, size, needsToken }: ServeBannerOptions): string {
  const shown = takeFirst(runners, maxRunners);
  const lines = [
    `Serving ${size} ${size === 1 ? "runner" : "runners"} on ${sanitize(url)}`,
    "",
    ...shown.map(formatRunner),
  ];
  if (size > shown.length) {
    lines.push(`  and ${size - shown.length} more`);
  }
  const example = chooseExample(shown);
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

/**
 * Chooses a runner, preferably active, whose ID is a UUID. `--lenient` accepts others, which cannot
 * be requested and could be anything, even commands for a shell.
 */
function chooseExample(runners: readonly Runner[]): Runner | undefined {
  const callable = runners.filter(({ runnerId }) => /^[\da-f-]{36}$/i.test(runnerId));
  return callable.find(({ status }) => status?.phase === RunnerPhase.ACTIVE) ?? callable[0];
}
