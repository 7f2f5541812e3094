import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type BenchmarkResult, runBenchmark } from "../benchmark.ts";
import { pinCommand } from "../cores.ts";
import { fetchHttp1 } from "../http-response.ts";
import { jsonPost } from "../request.ts";
import { sampleFile, sampleId, token } from "../sample.ts";
import { startServer } from "../servers/server.ts";

const root = join(import.meta.dirname, "../..");

/** Measures how long runnerctl takes, against the startup of Node.js alone. */
export async function measureRunnerctl(): Promise<BenchmarkResult[]> {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", 2, "inherit"] });
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const runnerctl = join(root, bin.runnerctl);
  await using server = await startServer("runner-server", { data: [sampleFile] });
  const baseUrl = `http://127.0.0.1:${server.port}`;
  return [
    await runBenchmark({
      what: "from start to end",
      unit: { name: "ms", digits: 1 },
      rounds: 20,
      subjects: {
        "runnerctl get": () => run(runnerctl, "get", sampleId, "--base-url", baseUrl),
        "runnerctl serve, to its first response": () => serve(runnerctl),
        "node -e 0": () => run("-e", "0"),
      },
      comparisons: [
        { of: "runnerctl get", against: "node -e 0", goal: { atMost: 3 } },
        {
          of: "runnerctl serve, to its first response",
          against: "node -e 0",
          goal: { atMost: 6 },
        },
      ],
    }),
  ];
}

function startNode(args: readonly string[]) {
  const [program, ...rest] = pinCommand("load", [process.execPath, ...args]);
  return spawn(program, rest, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ONA_API_KEY: token },
  });
}

/** Measures a run of Node.js from start to exit, in milliseconds. */
async function run(...args: string[]): Promise<{ value: number }> {
  const start = performance.now();
  const child = startNode(args);
  child.stdout.resume();
  const [code] = await once(child, "exit");
  const value = performance.now() - start;
  if (code !== 0) {
    throw new Error(`node ${args.join(" ")} exited with code ${code}`);
  }
  return { value };
}

/** Measures `runnerctl serve` from start to its first response, in milliseconds. */
async function serve(runnerctl: string): Promise<{ value: number }> {
  const start = performance.now();
  const options = ["--data", sampleFile, "--port", "0", "--token", token, "--log-level", "warn"];
  const child = startNode([runnerctl, "serve", ...options]);
  const exited = once(child, "exit");
  const { status } = await fetchHttp1(await readPort(child.stdout), jsonPost());
  const value = performance.now() - start;
  child.kill();
  await exited;
  if (status !== 200) {
    throw new Error(`runnerctl serve responded with status ${status}`);
  }
  return { value };
}

/** Reads the port that a server prints when it listens. */
async function readPort(output: Readable): Promise<number> {
  let printed = "";
  for await (const chunk of output.setEncoding("utf8")) {
    printed += chunk;
    const [, port] = /on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(printed) ?? [];
    if (port !== undefined) {
      return Number(port);
    }
  }
  throw new Error(`runnerctl serve exited after printing: ${printed}`);
}
