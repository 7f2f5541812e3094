import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { RunnerCapabilitySchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortNames } from "../../../src/runner/enum-name.ts";
import { type RunnerctlProcess, runRunnerctl, startRunnerctl } from "../../support/runnerctl.ts";
import { samples } from "../../support/sample-runner.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const folder = mkdtempSync(join(tmpdir(), "completion-"));
const scriptFile = (shell: string) => join(folder, `runnerctl.${shell}`);
const token = join(folder, "my token");
const main = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

const managed = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const mine = "00000000-0000-4000-8000-000000000001";

let server: RunnerctlProcess;
/** The environment of the shells: with runnerctl, and a server on this machine. */
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  writeFileSync(token, "");
  mkdirSync(join(folder, "bin"));
  // As if the package were installed globally, and in the project of the current folder.
  writeProgram("runnerctl", `exec "${process.execPath}" "${main}" "$@"`);
  writeProgram("npx", `shift; exec "$@"`);
  const fixture = join(folder, "mine.json");
  const runner = { runnerId: mine, name: "Mine: \u001b[2J'$(x)'" };
  writeFileSync(fixture, JSON.stringify({ runner }));
  server = startRunnerctl(["serve", "--data", join(samples, "managed-active.json"), "--port", "0"]);
  const [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
  env = {
    PATH: `${join(folder, "bin")}:${process.env.PATH}`,
    HOME: folder,
    ONA_BASE_URL: url,
    RUNNER_SERVER_DATA: fixture,
  };
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout, stderr } = await runRunnerctl(["completion", shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    writeFileSync(scriptFile(shell), stdout);
  }
});

function writeProgram(name: string, script: string): void {
  const file = join(folder, "bin", name);
  writeFileSync(file, `#!/bin/bash\n${script}\n`);
  chmodSync(file, 0o755);
}

afterAll(async () => {
  server.process.kill();
  await server.exited;
  rmSync(folder, { recursive: true });
});

// The typed command line, ending in a space if the next word is empty, and the offered words.
const capabilities = enumShortNames(RunnerCapabilitySchema);
const cases: [typed: string, offered: string[]][] = [
  ["runnerctl st", ["status"]],
  ["runnerctl he", ["help"]],
  ["runnerctl v", ["verify", "version"]],
  ["runnerctl help com", ["completion"]],
  ["runnerctl get -o ", ["text", "json", "yaml", "name"]],
  ["runnerctl config x --output y", ["yaml"]],
  ["runnerctl status --no", ["--no-color"]],
  ["runnerctl verify x --capability warm", ["warm-pool"]],
  ["runnerctl verify x --capability base", ["base-snapshot"]],
  ["runnerctl verify x --capability ", capabilities],
  ["runnerctl verify x --capability warm-pool --capability redis", ["redis-stream"]],
  ["runnerctl verify x --capability warm-pool,redis", ["warm-pool,redis-stream"]],
  ["runnerctl verify x --capability warm-pool --time", ["--timeout"]],
  ["runnerctl wait x --for dele", ["deleted"]],
  ["runnerctl completion ", ["bash", "zsh", "fish"]],
  ["runnerctl serve --ho", ["--host"]],
  [`runnerctl get --token-file ${folder}/my`, [token]],
  [`runnerctl serve --data ${folder}/mi ${folder}/my`, [token]],
  // Of the fixtures, and those of the sample runners that the server has.
  ["runnerctl get ", [mine, managed]],
  ["runnerctl wait --for deleted 3", [managed]],
  ["runnerctl status 3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97 0", [mine]],
  ["runnerctl get --base-url https://example.com ", []],
  ["npx zzz", []],
  ["npx runnerctl st", ["status"]],
  ["npx --no runnerctl config x --output y", ["yaml"]],
  ["npx runnerctl get 3", [managed]],
];

const healths = ["healthy", "degraded", "unavailable", "unknown"].map((state) => `health=${state}`);

describe("in bash", () => {
  test.each([
    ...cases,
    ["runnerctl get --output = j", ["json"]],
    ["runnerctl get --output =", ["text", "json", "yaml", "name"]],
    ["runnerctl wait x --for health", healths],
    ["runnerctl wait x --for health =", ["healthy", "degraded", "unavailable", "unknown"]],
    ["runnerctl wait x --for = phase = del", ["deleting", "deleted"]],
    ["runnerctl wait x --for health = healthy --time", ["--timeout"]],
    ["runnerctl wait x --for health = healthy,phase = acti", ["active"]],
    ["runnerctl get --base-url ", []],
    ["runnerctl --v", ["--version"]],
  ] satisfies typeof cases)("%j offers %j", (typed, offered) => {
    // Calls the function that bash would call.
    const program = `
      source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"
      specification=($(complete -p "$1"))
      "\${specification[@]: -2:1}"
      [[ $COMPREPLY ]] && printf '%s\\n' "\${COMPREPLY[@]}"`;
    const words = typed.split(" ");
    const output = outputOf("bash", ["--norc", "-c", program, "-", scriptFile("bash"), ...words]);
    // The script also offers options where an argument is possible.
    expect(output.filter((word) => word.startsWith("-") === /-\w*$/.test(typed))).toEqual(offered);
  });
});

describe.skipIf(isMissing("fish"))("in fish", () => {
  test.each(cases)("%j offers %j", (typed, offered) => {
    const program = "source $argv[1]; complete -C $argv[2]";
    const lines = outputOf("fish", ["--no-config", "-c", program, scriptFile("fish"), typed]);
    const words = lines.map((line) => line.split("\t")[0]?.replaceAll("\\ ", " "));
    expect(words).toEqual(expect.arrayContaining(offered));
    expect(words).toHaveLength(offered.length);
  });
});

describe.skipIf(isMissing("zsh"))("in zsh", () => {
  // Zsh completes only on a terminal, where it prints the completed line. Hence one case at a time.
  test("completes unique words", async () => {
    const zsh = spawn("script", ["-qfec", "zsh -f -i", "/dev/null"], {
      env: { ...env, TERM: "dumb" },
    });
    const ended = once(zsh, "close");
    let printed = "";
    zsh.stdout.setEncoding("utf8");
    const until = async (text: string) => {
      while (!printed.includes(text)) {
        const [data] = await once(zsh.stdout, "data");
        printed += data;
      }
      printed = "";
    };
    zsh.stdin.write(
      `stty columns 500; autoload -U compinit && compinit -u -D && source ${scriptFile("zsh")} && echo rea''dy\n`,
    );
    await until("ready");
    for (const [typed, offered] of cases.filter(([, offered]) => offered.length === 1)) {
      zsh.stdin.write(`${typed}\t`);
      await until(
        `${typed.slice(0, typed.lastIndexOf(" ") + 1)}${offered[0]?.replaceAll(" ", "\\ ")}`,
      );
      zsh.stdin.write("\x15");
    }
    zsh.stdin.end("exit\n");
    await ended;
  });
});

function isMissing(shell: string): boolean {
  const missing = spawnSync(shell, ["--version"]).status !== 0;
  if (missing) {
    console.warn(`${shell} is not installed, so its completion is NOT tested`);
  }
  return missing;
}

function outputOf(command: string, args: readonly string[]): string[] {
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}
