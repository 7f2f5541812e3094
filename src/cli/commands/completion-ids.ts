import type { Runner } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { isLoopback } from "../../client/base-url.ts";
import { openFileRunnerStore } from "../../fixture/file-runner-store.ts";
import { sanitize } from "../../runner/sanitize.ts";
import { isRunnerId } from "../arguments.ts";
import { createHttpClient, resolveConnection } from "../connection.ts";
import { writeOutput } from "../output/standard-output.ts";
import { createClientOverHttp } from "../runner-client-from-options.ts";
import { sampleRunnersFolder } from "../sample-runners.ts";

/** How long a user waits for completions at most, in milliseconds. */
const timeoutMs = 1_500;

/**
 * `runnerctl completion-ids LINE`, which the completion scripts call: prints the IDs to complete a
 * command line with, and the names of their runners. Prints nothing if there are none to offer.
 *
 * A server cannot list its runners. If it is on this machine, the candidates are the runners in
 * the files of `RUNNER_SERVER_DATA`, and those of the sample runners that the server has.
 */
export async function completionIds(line: string): Promise<void> {
  const giveUp = setTimeout(() => process.exit(), timeoutMs);
  try {
    for (const { runnerId, name } of await findCandidates(line)) {
      // Not what is in the line already.
      if (!line.includes(`${runnerId} `)) {
        writeOutput(`${runnerId}\t${sanitize(name)}\n`);
      }
    }
  } catch {
    // A shell completes silently. Whatever is wrong, the command itself will say so.
  }
  clearTimeout(giveUp);
}

async function findCandidates(line: string): Promise<Runner[]> {
  const options = {
    ...findOption(line, "--base-url", "baseUrl"),
    ...findOption(line, "--token-file", "tokenFile"),
  };
  const connection = resolveConnection(options);
  if (!isLoopback(connection.baseUrl)) {
    return [];
  }
  const data = process.env.RUNNER_SERVER_DATA?.split(",").filter((path) => path !== "") ?? [];
  const client = createClientOverHttp(await createHttpClient(connection, options), connection, {
    retry: false,
  });
  const [fixtures, samples] = await Promise.all([
    data.length === 0 ? [] : readRunners(data),
    readRunners([sampleRunnersFolder()]),
  ]);
  const served = await Promise.all(
    samples.map(({ runnerId }) =>
      client.getRunner({ runnerId }, { timeoutMs }).then(
        () => true,
        () => false,
      ),
    ),
  );
  const candidates = [...fixtures, ...samples.filter((_, i) => served[i])];
  return [...new Map(candidates.map((runner) => [runner.runnerId, runner])).values()];
}

/** Returns the value of an option in a command line, if it has one that needs no quotes. */
function findOption<Key extends string>(
  line: string,
  flag: string,
  key: Key,
): { readonly [key in Key]?: string } {
  const value = new RegExp(`${flag}[= ]+([^\\s'"$\\\\]+)`).exec(line)?.[1];
  return (value === undefined ? {} : { [key]: value }) as { readonly [key in Key]?: string };
}

async function readRunners(paths: readonly string[]): Promise<Runner[]> {
  const store = await openFileRunnerStore({ paths, lenient: true, watch: false });
  // Others cannot be called, and a shell might expand them.
  return [...store.runners()].filter(({ runnerId }) => isRunnerId(runnerId));
}
