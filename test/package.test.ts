import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

// The package is built, packed and installed.
vi.setConfig({ hookTimeout: 120_000, testTimeout: 60_000 });

const root = new URL("..", import.meta.url).pathname;
const tool = (name: string) => join(root, "node_modules/.bin", name);
const runnerId = "c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702";

/** Without what npm tells the scripts that it runs: what is run here is to be like on its own. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_|^INIT_CWD$|^NODE_OPTIONS$|^VITEST/i.test(name),
  ),
);

/** A folder of somebody who has installed the package, and nothing else. */
const app = mkdtempSync(join(tmpdir(), "package-"));
let packed: string[];

beforeAll(async () => {
  // What is printed before the JSON is the build's.
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", app], root);
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  packed = files.map(({ path }: { path: string }) => path);
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", filename], app);
});

afterAll(() => rmSync(app, { recursive: true }));

test("the package holds the contract and what is built, and nothing else", () => {
  const others = packed.filter(
    (path) =>
      !/^dist\/(gen|src)\/.+\.(js|d\.ts)$|^dist\/cli\/[^/]+\.cjs$|^(proto|third_party)\/.+\.proto$/.test(
        path,
      ),
  );
  expect(others.toSorted()).toEqual(["README.md", "buf.yaml", "package.json"]);
});

describe("every entry point", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const modules = [
    ["runner-service", "createRunnerClient"],
    ["runner-service/node", "createRunnerClientFromEnv"],
    ["runner-service/server", "createRunnerServer"],
    ["runner-service/gen/gitpod/v1/runner_service_pb", "RunnerService"],
    ["runner-service/gen/buf/validate/validate_pb", "ViolationsSchema"],
  ] as const;
  const files = [
    "runner-service/package.json",
    "runner-service/proto/gitpod/v1/runner_service.proto",
  ];

  test("is tried here", () => {
    const patterns = Object.keys(exports).map((key) => `runner-service${key.slice(1)}`);
    const tried = [...modules.map(([name]) => name), ...files];
    const untried = patterns.filter((pattern) => {
      const [start = "", end] = pattern.split("*");
      return !tried.some((name) => (end === undefined ? name === start : name.startsWith(start)));
    });
    expect(untried).toEqual([]);
  });

  test("imports", async () => {
    writeFileSync(
      join(app, "imports.js"),
      `const modules = ${JSON.stringify(modules)};
      for (const [name, member] of modules) console.log(name, typeof (await import(name))[member]);
      for (const name of ${JSON.stringify(files)}) {
        const { readFileSync } = await import("node:fs");
        console.log(name, readFileSync(new URL(import.meta.resolve(name))).length > 0);
      }`,
    );
    const { stdout, stderr } = await run(process.execPath, ["imports.js"], app);
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n")).toEqual([
      "runner-service function",
      "runner-service/node function",
      "runner-service/server function",
      "runner-service/gen/gitpod/v1/runner_service_pb object",
      "runner-service/gen/buf/validate/validate_pb object",
      ...files.map((name) => `${name} true`),
    ]);
  });

  const client = `
    import { createRunnerClient, type Runner, RunnerPhase, runnerHealth } from "runner-service";
    export async function stateOf(runnerId: string): Promise<"healthy" | undefined> {
      const { runner } = await createRunnerClient({ token: async () => "" }).getRunner({ runnerId });
      const phase: RunnerPhase | undefined = runner?.status?.phase;
      const { state } = runnerHealth(runner as Runner);
      return phase === RunnerPhase.ACTIVE && state === "healthy" ? state : undefined;
    }
    // @ts-expect-error Types are there: there is no such option.
    createRunnerClient({ tokens: "" });
  `;
  const rest = `
    import { createRunnerClientFromEnv, type NodeRunnerClient } from "runner-service/node";
    import { createMemoryRunnerStore, createRunnerServer } from "runner-service/server";
    import { ViolationsSchema } from "runner-service/gen/buf/validate/validate_pb";
    import { RunnerService } from "runner-service/gen/gitpod/v1/runner_service_pb";
    export const client: NodeRunnerClient = createRunnerClientFromEnv({ http2: true });
    export const url: Promise<string> = createRunnerServer({ store: createMemoryRunnerStore([]) }).start();
    export const names: [string, string] = [RunnerService.method.getRunner.name, ViolationsSchema.typeName];
    // @ts-expect-error Types are there: a server has to have a store.
    createRunnerServer({});
  `;

  // The libraries are the default ones: Connect's types need those of the DOM, in Node.js, too.
  test.each([
    ["nodenext", "nodenext", ["node"], client + rest],
    ["bundler", "esnext", ["node"], client + rest],
    ["bundler", "esnext", [], client],
  ])(
    "type-checks strictly with moduleResolution %s, module %s and types %j",
    async (moduleResolution, module, types, source) => {
      const folder = mkdtempSync(join(app, "types-"));
      const compilerOptions = {
        moduleResolution,
        module,
        types,
        typeRoots: [join(root, "node_modules/@types")],
        target: "es2024",
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
      };
      writeFileSync(join(folder, "main.ts"), source);
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
      await run(tool("tsc"), [], folder);
    },
  );
});

describe("runnerctl", () => {
  /**
   * Serves the sample runners with what `command` starts, for as long as `use` takes, and returns
   * what it printed on standard error.
   */
  async function serving(
    [command = "", ...args]: readonly string[],
    use: (url: string) => Promise<void>,
  ): Promise<string> {
    cpSync(join(root, "examples/runners"), join(app, "runners"), { recursive: true });
    // In a group of its own, to be ended together with what npx starts.
    const server = spawn(command, [...args, "serve", "--data", "runners", "--port", "0"], {
      cwd: app,
      env: environment,
      detached: true,
    });
    const closed = once(server, "close");
    let complained = "";
    server.stderr.setEncoding("utf8").on("data", (text) => (complained += text));
    try {
      let printed = "";
      for await (const text of server.stdout.setEncoding("utf8")) {
        printed += text;
        if (printed.includes("Try:")) {
          break;
        }
      }
      const [, url = ""] = /on (http:\/\/127\.0\.0\.1:\d+)\n/.exec(printed) ?? [];
      await use(url);
    } finally {
      process.kill(-(server.pid ?? 0), "SIGTERM");
      await closed;
    }
    return complained;
  }

  test("serves, and asks, by npx", async () => {
    await serving(["npx", "runnerctl"], async (url) => {
      const args = ["runnerctl", "status", runnerId, "--base-url", url];
      const { stdout } = await run("npx", args, app);
      expect(stdout).toContain("Health:     unavailable\n");
    });
  });

  test("loads no more than it takes to start soon", async () => {
    const main = join(app, "node_modules/runner-service/dist/cli/main.cjs");
    const list = join(app, "loaded.cjs");
    writeFileSync(
      list,
      `process.on("exit", () => {
        const files = Object.keys(require.cache).filter((file) => file !== __filename);
        const bytes = files.reduce((sum, file) => sum + require("node:fs").statSync(file).size, 0);
        const fetch = process.moduleLoadList.filter((name) => name.includes("undici"));
        process.stderr.write("loaded " + JSON.stringify({ bytes, fetch }) + "\\n");
      });`,
    );
    const node = [process.execPath, "-r", list, main];
    const loadedIn = (text: string) => JSON.parse(/^loaded (.+)$/m.exec(text)?.[1] ?? "null");
    let get = "";
    const serve = await serving(node, async (url) => {
      const body = JSON.stringify({ runnerId });
      const headers = { "Content-Type": "application/json" };
      const to = `${url}/gitpod.v1.RunnerService/GetRunner`;
      expect((await fetch(to, { method: "POST", headers, body })).status).toBe(200);
      const args = [...node.slice(1), "get", runnerId, "--base-url", url];
      ({ stderr: get } = await run(process.execPath, args, app));
    });
    // Without undici (500 KB), Protovalidate (300 KB) and the fetch that is in Node.js.
    expect(loadedIn(get)).toEqual({ bytes: expect.any(Number), fetch: [] });
    expect(loadedIn(get).bytes).toBeLessThan(250_000);
    expect(loadedIn(serve)).toEqual({ bytes: expect.any(Number), fetch: [] });
    expect(loadedIn(serve).bytes).toBeLessThan(650_000);
  });
});

test("buf generates stubs from the contract in it", async () => {
  const folder = join(app, "stubs");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "buf.gen.yaml"),
    `version: v2
plugins:
  - local: ${JSON.stringify(tool("protoc-gen-es"))}
    out: gen
    opt: [target=js, import_extension=js]
    include_imports: true
`,
  );
  await run(tool("buf"), ["generate", "../node_modules/runner-service/proto"], folder);
  const { RunnerService } = await import(join(folder, "gen/gitpod/v1/runner_service_pb.js"));
  expect(RunnerService.typeName).toBe("gitpod.v1.RunnerService");
});

/** Runs a program, and fails with all that it printed if it does. */
async function run(command: string, args: readonly string[], cwd: string) {
  try {
    return await promisify(execFile)(command, args, { cwd, env: environment });
  } catch (error) {
    const { message, stdout } = error as Error & { stdout: string };
    throw new Error(`${message}\n${stdout}`, { cause: error });
  }
}
