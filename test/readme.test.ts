import { exec } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningRunnerctl, startRunnerctl } from "./support/runnerctl.ts";

const root = new URL("..", import.meta.url).pathname;
const readme = readFileSync(`${root}README.md`, "utf8");

let server: RunningRunnerctl;
let url: string;

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", `${root}examples/runners`, "--port", "0"]);
  [, url = ""] = await server.printed(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
});

afterAll(async () => {
  server.process.kill();
  await server.ended;
});

describe("what the README shows is what happens:", () => {
  const blocks = [...readme.matchAll(/```console\n\$ (.+)\n([\s\S]*?)```/g)];
  test.each(blocks.map(([, command = "", output = ""]) => [command, output]))(
    "%s",
    async (command, output) => {
      // The sources stand in for what `npx runnerctl` runs, so that no build is needed.
      const here = command
        .replace(/http:\/\/127\.0\.0\.1:8080/g, url)
        .replace(/^curl/, "curl --silent")
        .replace(/^npx runnerctl/, "node src/cli/main.ts")
        .replace(/^npx /, "");
      const { stdout } = await promisify(exec)(here, { cwd: root });
      expect(stdout).toMatch(patternOf(output));
    },
  );

  test("the call in TypeScript", async () => {
    const [, source = "", output = ""] =
      /```ts\n([\s\S]*?)```\n\n```\n([\s\S]*?)```/.exec(readme) ?? [];
    const here = source
      .replace("http://127.0.0.1:8080", url)
      .replace('"runner-service"', JSON.stringify(`${root}src/index.ts`));
    const run = promisify(exec)("node --input-type=module-typescript", { cwd: root });
    run.child.stdin?.end(here);
    expect((await run).stdout).toBe(output);
  });
});

/** All of the output but white space at its end; "…" stands for anything. */
function patternOf(output: string): RegExp {
  const parts = output.trimEnd().split("…");
  const escaped = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${escaped.join("[\\s\\S]*")}\\s*$`);
}
