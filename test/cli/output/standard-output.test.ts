import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { type RunnerctlProcess, startRunnerctl } from "../../support/runnerctl.ts";
import { samples } from "../../support/sample-runner.ts";
import { getRunnerPath } from "../../support/server.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const root = new URL("../../..", import.meta.url).pathname;
const main = `${root}src/cli/main.ts`;
const id = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";

let server: RunnerctlProcess;
let url: string;

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
  [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
});

afterAll(async () => {
  server.process.kill();
  await server.exited;
});

/** Runs a command line of bash in which `runnerctl` is runnerctl. */
async function bash(line: string, env: NodeJS.ProcessEnv = {}) {
  const { PATH, HOME } = process.env;
  const prelude = `runnerctl() { "${process.execPath}" "${main}" "$@"; }`;
  const options = { env: { PATH, HOME, ONA_BASE_URL: url, ...env }, cwd: root, timeout: 20_000 };
  return await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile("bash", ["--norc", "-c", `${prelude}\n${line}`], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr }),
    );
  });
}

describe.concurrent("on a full disk", () => {
  test.for([
    `get ${id}`,
    `get ${id} -o yaml`,
    `status ${id} -o json`,
    `config ${id}`,
    `verify ${id} --capability warm-pool`,
    `wait ${id} --for phase=active`,
    `watch ${id}`,
    `watch ${id} -o json`,
    "serve --data examples/runners --port 0",
    "completion bash",
    "--help",
    "get --help",
    "help get",
    "--version",
  ])("%s prints one line and exits with 1", async (args, { expect }) => {
    expect(await bash(`runnerctl ${args} >/dev/full`)).toEqual({
      code: 1,
      stdout: "",
      stderr: "runnerctl: cannot write to standard output: no space left on device\n",
    });
  });

  test("the exit code is 1, too, if only a part of the output fits", async (context) => {
    const { expect } = context;
    const file = join(makeTempFolder(context).path, "output");
    // Bash limits files in units of 1024 bytes.
    expect(await bash(`ulimit -f 1; runnerctl get ${id} -o json >"${file}"`)).toEqual({
      code: 1,
      stdout: "",
      stderr: "runnerctl: cannot write to standard output: file too large\n",
    });
    expect(readFileSync(file, "utf8")).toHaveLength(1024);
  });

  test.for([
    ["get nope", 2],
    ["", 2],
    ["get 00000000-0000-4000-8000-000000000000", 3],
    [`wait ${id} --for deleted --timeout 1s`, 5],
    [`get ${id} --base-url http://127.0.0.1:1`, 6],
  ] as const)(
    "%s exits with %d although the error cannot be printed",
    async ([args, code], { expect }) => {
      expect(await bash(`runnerctl ${args} 2>/dev/full`)).toMatchObject({ code, stderr: "" });
    },
  );

  test("the exit code is 1 if neither output can be written", async ({ expect }) => {
    expect(await bash(`runnerctl get ${id} >/dev/full 2>/dev/full`)).toMatchObject({ code: 1 });
  });

  test("serve responds and shuts down although its log is lost", async ({ expect }) => {
    const full = openSync("/dev/full", "w");
    const args = [main, "serve", "--data", samples, "--port", "0"];
    const serve = spawn(process.execPath, args, { stdio: ["ignore", "pipe", full] });
    closeSync(full);
    let banner = "";
    for await (const chunk of serve.stdout?.setEncoding("utf8") ?? []) {
      banner += chunk;
      if (banner.includes("Try:")) {
        break;
      }
    }
    const [, url] = /on (http:\S+)\n/.exec(banner) ?? [];
    for (let n = 0; n < 10; n++) {
      const headers = { "Content-Type": "application/json" };
      const body = JSON.stringify({ runnerId: id });
      const response = await fetch(url + getRunnerPath, { method: "POST", headers, body });
      expect(response.status).toBe(200);
    }
    serve.kill("SIGTERM");
    expect(await once(serve, "exit")).toEqual([0, null]);
  });
});

describe.concurrent("an error that no command handles", () => {
  const preload = (code: string) => ({
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}`,
  });

  test.for([
    ["is thrown in a callback", "setTimeout(() => { throw new Error('oh\\x1b no') }, 1500)"],
    ["is a rejection", "setTimeout(() => Promise.reject(new Error('oh\\x1b no')), 1500)"],
  ] as const)("prints one line and exits with 1 if it %s", async ([, code], { expect }) => {
    const env = preload(code);
    expect(await bash(`runnerctl watch ${id} >/dev/null`, env)).toEqual({
      code: 1,
      stdout: "",
      stderr: "runnerctl: oh\ufffd no\n",
    });
  });
});
