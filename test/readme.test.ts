import { exec } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { outputPattern, readCodeBlocks } from "./support/documentation.ts";
import { type RunnerctlProcess, startRunnerctl } from "./support/runnerctl.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const root = new URL("..", import.meta.url).pathname;

let server: RunnerctlProcess;
let url: string;

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", `${root}examples/runners`, "--port", "0"]);
  [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
});

afterAll(async () => {
  server.process.kill();
  await server.exited;
});

describe.concurrent("the README and the pages in docs show the actual output:", () => {
  const run = async (command: string) => {
    const running = promisify(exec)(command, { cwd: root, env: userEnvironment() });
    running.child.stdin?.end();
    // Some examples fail on purpose.
    const { stdout } = await running.catch((error: { stdout: string }) => error);
    return stdout;
  };

  const commands = readCodeBlocks()
    .filter(({ language }) => language === "console")
    .map(({ page, line, code }) => {
      const [, command, output] = /^\$ (.+)\n([\s\S]*)$/.exec(code) ?? [];
      if (command === undefined || output === undefined) {
        throw new Error(`${page}:${line}: the block does not start with "$ " and a command`);
      }
      return { command, output };
    });
  test.for(commands)("$command", async ({ command, output }, { expect }) => {
    // Run from source instead of the installed package, so that no build is needed.
    const localCommand = command
      .replace(/http:\/\/127\.0\.0\.1:8080/g, url)
      .replace(/^curl/, "curl --silent")
      .replace(/(\bnpx |\bnode_modules\/\.bin\/)runnerctl/, "node src/cli/main.ts")
      .replace(/^npx /, "");
    expect(await run(localCommand)).toMatch(outputPattern(output));
  });
});

/** Returns the environment of a user who calls the test server. */
function userEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, ONA_BASE_URL: url };
}
