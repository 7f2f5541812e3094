import { exec } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { type RunnerctlProcess, startRunnerctl } from "./support/runnerctl.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const root = new URL("..", import.meta.url).pathname;
const pages = ["README.md", ...globSync("docs/*.md", { cwd: root })];
const text = pages.map((page) => readFileSync(join(root, page), "utf8")).join("\n");

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
  const run = async (command: string, input = "") => {
    const running = promisify(exec)(command, { cwd: root, env: userEnvironment() });
    running.child.stdin?.end(input);
    // Some examples fail on purpose.
    const { stdout } = await running.catch((error: { stdout: string }) => error);
    return stdout;
  };

  // Console blocks, each up to its closing fence.
  const commands = [...text.matchAll(/```console\n\$ (.+)\n((?:(?!```)[\s\S])*)```/g)];
  test.for(commands.map(([, command = "", output = ""]) => ({ command, output })))(
    "$command",
    async ({ command, output }, { expect }) => {
      // Run from source instead of with `npx runnerctl`, so that no build is needed.
      const localCommand = command
        .replace(/http:\/\/127\.0\.0\.1:8080/g, url)
        .replace(/^curl/, "curl --silent")
        .replace(/\bnpx runnerctl/, "node src/cli/main.ts")
        .replace(/^npx /, "");
      expect(await run(localCommand)).toMatch(outputPattern(output));
    },
  );

  const programs = [
    ...text.matchAll(/```ts\n((?:(?!```)[\s\S])*)```\n\n```\n((?:(?!```)[\s\S])*)```/g),
  ];
  test.for(programs.map(([, source = "", output = ""]) => ({ source, output })))(
    "the program that prints $output",
    async ({ source, output }, { expect }) => {
      const localSource = source
        .replace("http://127.0.0.1:8080", url)
        .replace('"runner-service"', JSON.stringify(`${root}src/index.ts`));
      expect(await run("node --input-type=module-typescript", localSource)).toBe(output);
    },
  );
});

/** Returns the environment of a user who calls the test server. */
function userEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, ONA_BASE_URL: url };
}

/** Returns a pattern for the output: "…" matches anything, trailing whitespace is ignored. */
function outputPattern(output: string): RegExp {
  const parts = output.trimEnd().split("…");
  const escaped = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${escaped.join("[\\s\\S]*")}\\s*$`);
}
