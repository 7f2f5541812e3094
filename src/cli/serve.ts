import { once } from "node:events";
import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createRunnerServer } from "../server/runner-server.ts";
import { openFileRunnerStore } from "../store/file-runner-store.ts";

/** `runnerctl serve`: the reference server, until SIGINT or SIGTERM. */
export async function serve(options: {
  data: string[];
  host: string;
  port: number;
}): Promise<void> {
  // Listened for from the beginning: whoever sees the banner may send a signal at once.
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const store = await openFileRunnerStore({ paths: options.data });
  try {
    const server = createRunnerServer({ ...options, store });
    const url = await server.start();
    process.stdout.write(banner(url, [...store.runners()]));
    await stopped;
    await server.close();
  } finally {
    await store.close();
  }
}

function banner(url: string, runners: readonly Runner[]): string {
  const lines = [`Serving ${runners.length} runners on ${url}`, ""];
  for (const { runnerId, name, status } of runners) {
    lines.push(`  ${runnerId}  ${phaseName(status?.phase).padEnd(8)}  ${name}`);
  }
  const example = runners.find(({ status }) => status?.phase === RunnerPhase.ACTIVE) ?? runners[0];
  if (example !== undefined) {
    lines.push(
      "",
      "Try:",
      `  curl -H 'Content-Type: application/json' -d '{"runnerId":"${example.runnerId}"}' ${url}/gitpod.v1.RunnerService/GetRunner`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function phaseName(phase: RunnerPhase = RunnerPhase.UNSPECIFIED): string {
  return RunnerPhaseSchema.value[phase]?.localName.toLowerCase() ?? String(phase);
}
