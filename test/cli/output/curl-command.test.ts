import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type RunnerctlProcess, runRunnerctl, startRunnerctl } from "../../support/runnerctl.ts";
import { samples } from "../../support/sample-runner.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const created = "c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702";
const deleting = "91f5b7d3-4e2c-4d88-b0a6-7c3e9f1a5d20";
const token = "secret-token";

let server: RunnerctlProcess;
let url: string;

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", samples, "--port", "0", "--token", token]);
  [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
});

afterAll(async () => {
  server.process.kill();
  await server.exited;
});

async function printCurl(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, stdout, stderr } = await runRunnerctl(["get", "--as-curl", ...args], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).not.toContain(token);
  return stdout;
}

/** Runs a printed command in a shell. */
async function runShell(
  command: string,
  env: NodeJS.ProcessEnv = {},
  shell = "sh",
): Promise<string> {
  const { PATH } = process.env;
  const { stdout } = await promisify(execFile)(shell, ["-c", `set -e; ${command}`], {
    env: { PATH, ...env },
  });
  return stdout;
}

describe("get --as-curl", () => {
  test("prints the call instead of making it", async () => {
    const env = { ONA_API_KEY: token, ONA_BASE_URL: "https://runners.invalid/api/" };
    expect(await printCurl([created], env)).toBe(
      `curl --max-time 10 -H 'Content-Type: application/json' -H 'Connect-Protocol-Version: 1' -H "Authorization: Bearer $ONA_API_KEY" -d '{"runnerId":"${created}"}' https://runners.invalid/api/gitpod.v1.RunnerService/GetRunner\n`,
    );
  });

  test.each(["ONA_API_KEY", "GITPOD_API_KEY"])("works as printed with %s", async (variable) => {
    const env = { [variable]: token };
    const command = await printCurl([created, "--base-url", url], env);
    expect(JSON.parse(await runShell(command.replace("curl", "curl -s"), env))).toMatchObject({
      runner: { runnerId: created },
    });
  });

  test.each(["it's my $token", "\x1b[2J\u202e't\u00f6\\k\u009ben"])(
    "works as printed with a token file named %j",
    async (name) => {
      const file = makeTempFolder().write(name, `${token}\n`);
      const command = await printCurl([created, "--base-url", url, "--token-file", file]);
      expect(command.trimEnd()).not.toMatch(/\p{C}/u);
      const output = await runShell(command.replace("curl", "curl -s"), {}, "bash");
      expect(JSON.parse(output)).toMatchObject({ runner: { runnerId: created } });
    },
  );

  test("prints a line for each runner, with the deadline", async () => {
    const lines = (await printCurl([created, deleting, "--timeout", "1500ms"]))
      .trimEnd()
      .split("\n");
    expect(lines).toEqual([
      expect.stringContaining(`'{"runnerId":"${created}"}'`),
      expect.stringContaining(`'{"runnerId":"${deleting}"}'`),
    ]);
    expect(lines[0]).toContain("--max-time 1.5 ");
    // The live API needs a token, even if there is none yet.
    expect(lines[0]).toContain('"Authorization: Bearer $ONA_API_KEY"');
  });

  test("has no token for a server on this machine if none is set", async () => {
    expect(await printCurl([created, "--base-url", url])).not.toContain("Authorization");
  });

  test.each(["http://127.0.0.1:1/it's", "http://[::1]:1/a;b&c", "http://127.0.0.1:1/$HOME`x`"])(
    "quotes %s",
    async (baseUrl) => {
      const command = await printCurl([created, "--base-url", baseUrl]);
      const words = (await runShell(`for word in ${command.trimEnd()}; do echo "$word"; done`))
        .trimEnd()
        .split("\n");
      expect(words.at(-1)).toBe(`${new URL(baseUrl).href}/gitpod.v1.RunnerService/GetRunner`);
    },
  );

  test.each([
    [["-o", "json"], "option '--as-curl' cannot be used with option '-o, --output <format>'"],
    [["-v"], "option '--as-curl' cannot be used with option '-v, --verbose'"],
  ])("rejects %j, which would have no effect", async (args, message) => {
    const end = await runRunnerctl(["get", "--as-curl", created, ...args]);
    expect(end).toEqual({ code: 2, stdout: "", stderr: `runnerctl: ${message}\n` });
  });
});
