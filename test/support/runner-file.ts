import { rmSync } from "node:fs";
import type { TestContext } from "vitest";
import { type RunnerctlProcess, startRunnerctl } from "./runnerctl.ts";
import { makeTempFolder } from "./temp-folder.ts";

/** The id of the runner in the file. */
export const runnerId = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";

/** A file with one runner, and a `runnerctl serve` process that serves it. */
export interface ServedFile extends AsyncDisposable {
  readonly url: string;
  /** Rewrites the runner with this status. */
  write(status: object): void;
  /** Deletes the file. */
  remove(): void;
  /** Kills the server immediately, like a crash. */
  stop(): Promise<void>;
  /** Starts the server again on the same port. */
  restart(): Promise<void>;
}

/** Serves a file with one runner on a free port. The file is deleted at the end of the test. */
export async function serveRunnerFile(
  context: Pick<TestContext, "onTestFinished">,
  status: object,
  args: readonly string[] = [],
): Promise<ServedFile> {
  const folder = makeTempFolder(context);
  const write = (status: object) => {
    const runner = { runnerId, name: "Build farm", status };
    folder.write("runner.json", JSON.stringify({ runner }));
  };
  write(status);
  let server: RunnerctlProcess;
  const start = async (port: string): Promise<string> => {
    server = startRunnerctl(["serve", "--data", folder.path, "--port", port, ...args]);
    const [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
    return url;
  };
  const stop = async () => {
    server.process.kill("SIGKILL");
    await server.exited;
  };
  const url = await start("0");
  return {
    url,
    write,
    remove: () => rmSync(`${folder.path}/runner.json`),
    stop,
    restart: async () => void (await start(new URL(url).port)),
    [Symbol.asyncDispose]: stop,
  };
}
