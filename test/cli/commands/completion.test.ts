import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { RunnerCapabilitySchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortNames } from "../../../src/runner/enum-name.ts";
import { runRunnerctl } from "../../support/runnerctl.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const folder = mkdtempSync(join(tmpdir(), "completion-"));
const scriptFile = (shell: string) => join(folder, `runnerctl.${shell}`);
const token = join(folder, "my token");

beforeAll(async () => {
  writeFileSync(token, "");
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout, stderr } = await runRunnerctl(["completion", shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    writeFileSync(scriptFile(shell), stdout);
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

// The typed command line, ending in a space if the next word is empty, and the offered words.
const capabilities = enumShortNames(RunnerCapabilitySchema);
const cases: [typed: string, offered: string[]][] = [
  ["runnerctl st", ["status"]],
  ["runnerctl get -o ", ["text", "json", "yaml"]],
  ["runnerctl config x --output y", ["yaml"]],
  ["runnerctl status --no", ["--no-color"]],
  ["runnerctl verify x --capability warm", ["warm-pool"]],
  ["runnerctl verify x --capability base", ["base-snapshot"]],
  ["runnerctl verify x --capability ", capabilities],
  ["runnerctl verify x --capability warm-pool redis", ["redis-stream"]],
  ["runnerctl verify x --capability warm-pool --time", ["--timeout"]],
  ["runnerctl wait x --for dele", ["deleted"]],
  ["runnerctl completion ", ["bash", "zsh", "fish"]],
  [`runnerctl get --token-file ${folder}/my`, [token]],
];

const healths = ["healthy", "degraded", "unavailable", "unknown"].map((state) => `health=${state}`);

describe("in bash", () => {
  test.each([
    ...cases,
    ["runnerctl get --output = j", ["json"]],
    ["runnerctl get --output =", ["text", "json", "yaml"]],
    ["runnerctl wait x --for health", healths],
    ["runnerctl wait x --for health =", ["healthy", "degraded", "unavailable", "unknown"]],
    ["runnerctl wait x --for = phase = del", ["deleting", "deleted"]],
    ["runnerctl wait x --for health = healthy --time", ["--timeout"]],
    ["runnerctl get --base-url ", []],
    ["runnerctl --v", ["--version"]],
  ] satisfies typeof cases)("%j offers %j", (typed, offered) => {
    const program = `
      source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      _runnerctl
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
      env: { PATH: process.env.PATH, TERM: "dumb" },
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
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}
