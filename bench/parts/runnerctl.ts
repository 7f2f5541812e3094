import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { overHttp1 } from "../answer.ts";
import { holdContest, type Outcome } from "../contest.ts";
import { pinned } from "../cores.ts";
import { jsonPost } from "../request.ts";
import { sampleFile, sampleId, token } from "../sample.ts";
import { startServer } from "../servers/server.ts";

const root = join(import.meta.dirname, "../..");

/** How long runnerctl takes, from its start, against the least that Node.js takes. */
export async function measureRunnerctl(): Promise<Outcome[]> {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", 2, "inherit"] });
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const runnerctl = join(root, bin.runnerctl);
  await using server = await startServer("runner-server", { data: [sampleFile] });
  const baseUrl = `http://127.0.0.1:${server.port}`;
  return [
    await holdContest({
      what: "from start to end",
      unit: { name: "ms", digits: 1 },
      rounds: 20,
      subjects: {
        "runnerctl get": () => run(runnerctl, "get", sampleId, "--base-url", baseUrl),
        "runnerctl serve, to its first answer": () => serve(runnerctl),
        "node -e 0": () => run("-e", "0"),
      },
      comparisons: [
        { of: "runnerctl get", against: "node -e 0", goal: { atMost: 3 } },
        {
          of: "runnerctl serve, to its first answer",
          against: "node -e 0",
          goal: { atMost: 6 },
        },
      ],
    }),
  ];
}

function startNode(args: readonly string[]) {
  const [program, ...rest] = pinned("load", [process.execPath, ...args]);
  return spawn(program, rest, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ONA_API_KEY: token },
  });
}

/** Runs Node.js from its start to its end. */
async function run(...args: string[]): Promise<{ value: number }> {
  const start = performance.now();
  const child = startNode(args);
  child.stdout.resume();
  const [code] = await once(child, "exit");
  const value = performance.now() - start;
  if (code !== 0) {
    throw new Error(`node ${args.join(" ")} ended with exit code ${code}`);
  }
  return { value };
}

/** Runs `runnerctl serve` from its start until a call is answered. */
async function serve(runnerctl: string): Promise<{ value: number }> {
  const start = performance.now();
  const options = ["--data", sampleFile, "--port", "0", "--token", token, "--log-level", "warn"];
  const child = startNode([runnerctl, "serve", ...options]);
  const ended = once(child, "exit");
  const { status } = await overHttp1(await portIn(child.stdout), jsonPost());
  const value = performance.now() - start;
  child.kill();
  await ended;
  if (status !== 200) {
    throw new Error(`runnerctl serve answers with status ${status}`);
  }
  return { value };
}

/** The port that a server says it listens on. */
async function portIn(output: Readable): Promise<number> {
  let printed = "";
  for await (const text of output.setEncoding("utf8")) {
    printed += text;
    const [, port] = /on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(printed) ?? [];
    if (port !== undefined) {
      return Number(port);
    }
  }
  throw new Error(`runnerctl serve ended, having printed: ${printed}`);
}
