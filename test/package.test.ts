import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { createRunnerServer, openFileRunnerStore } from "../src/server/index.ts";
import { readCodeBlocks } from "./support/documentation.ts";

// The setup builds, packs and installs the package.
vi.setConfig({ hookTimeout: 120_000, testTimeout: 60_000 });

const root = new URL("..", import.meta.url).pathname;
const toolPath = (name: string) => join(root, "node_modules/.bin", name);
const runnerId = "c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702";

/** The environment of a user's shell: without the variables that npm and Vitest set. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_|^INIT_CWD$|^NODE_OPTIONS$|^VITEST/i.test(name),
  ),
);

/** The folder of an app whose only dependency is the package. */
const app = mkdtempSync(join(tmpdir(), "package-"));
let packed: string[];

beforeAll(async () => {
  // The build prints before the JSON.
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", app], root);
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  packed = files.map(({ path }: { path: string }) => path);
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", filename], app);
});

afterAll(() => rmSync(app, { recursive: true }));

test("the package contains the contract, the build output, the samples and the docs, and nothing else", () => {
  const expected = [
    /^dist\/(gen|src)\/.+\.(js|d\.ts)$/,
    /^dist\/cli\/[^/]+\.cjs$/,
    /^(proto|third_party)\/.+\.proto$/,
    /^examples\/runners\/[\w-]+\.(json|md)$/,
    /^docs\/[\w-]+\.md$/,
  ];
  const others = packed.filter((path) => !expected.some((pattern) => pattern.test(path)));
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

  test("is covered by these tests", () => {
    const patterns = Object.keys(exports).map((key) => `runner-service${key.slice(1)}`);
    const covered = [...modules.map(([name]) => name), ...files];
    const uncovered = patterns.filter((pattern) => {
      const [start = "", end] = pattern.split("*");
      return !covered.some((name) => (end === undefined ? name === start : name.startsWith(start)));
    });
    expect(uncovered).toEqual([]);
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
    // @ts-expect-error The types are found: no such option exists.
    createRunnerClient({ tokens: "" });
  `;
  const rest = `
    import {
      createRunnerClientFromEnv, type NodeRunnerClient, type Runner as NodeRunner, RunnerPhase as Phase, waitForRunner,
    } from "runner-service/node";
    import { createMemoryRunnerStore, createRunnerServer, type EncodedRunner, encodeRunner } from "runner-service/server";
    import { ViolationsSchema } from "runner-service/gen/buf/validate/validate_pb";
    import { RunnerService } from "runner-service/gen/gitpod/v1/runner_service_pb";
    export const client: NodeRunnerClient = createRunnerClientFromEnv({ http2: true });
    export const url: Promise<string> = createRunnerServer({ store: createMemoryRunnerStore([]) }).start();
    export const names: [string, string] = [RunnerService.method.getRunner.name, ViolationsSchema.typeName];
    export async function waitUntilActive(runnerId: string): Promise<NodeRunner> {
      await using client = createRunnerClientFromEnv();
      const anyState: NodeRunner | undefined = await waitForRunner(client, runnerId, () => true);
      // The type of the result follows from a type predicate.
      const deleted: undefined = await waitForRunner(client, runnerId, (runner) => runner === undefined);
      return waitForRunner(client, runnerId, (runner): runner is NodeRunner => runner?.status?.phase === Phase.ACTIVE);
    }
    export const encode: (runner: NodeRunner) => EncodedRunner = encodeRunner;
    // @ts-expect-error The types are found: the store is required.
    createRunnerServer({});
  `;

  // `lib` is the default, because Connect's types need DOM even in Node.js.
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
      await run(toolPath("tsc"), [], folder);
    },
  );
});

describe("runnerctl", () => {
  /**
   * Starts `command` to serve the sample runners, and stops it when `use` is done. Returns its
   * standard error.
   */
  async function withServer(
    [command = "", ...args]: readonly string[],
    use: (url: string) => Promise<void>,
  ): Promise<string> {
    cpSync(join(root, "examples/runners"), join(app, "runners"), { recursive: true });
    // In its own process group, to kill npx together with the process that it starts.
    const server = spawn(command, [...args, "serve", "--data", "runners", "--port", "0"], {
      cwd: app,
      env: environment,
      detached: true,
    });
    const closed = once(server, "close");
    let stderr = "";
    server.stderr.setEncoding("utf8").on("data", (chunk) => (stderr += chunk));
    try {
      let stdout = "";
      for await (const chunk of server.stdout.setEncoding("utf8")) {
        stdout += chunk;
        if (stdout.includes("Try:")) {
          break;
        }
      }
      const [, url = ""] = /on (http:\/\/127\.0\.0\.1:\d+)\n/.exec(stdout) ?? [];
      await use(url);
    } finally {
      process.kill(-(server.pid ?? 0), "SIGTERM");
      await closed;
    }
    return stderr;
  }

  test("runs serve and status with npx", async () => {
    await withServer(["npx", "runnerctl"], async (url) => {
      const args = ["runnerctl", "status", runnerId, "--base-url", url];
      const { stdout } = await run("npx", args, app);
      expect(stdout).toContain("Health:     unavailable\n");
    });
  });

  test("serves the sample runners, from wherever it is called", async () => {
    const folder = mkdtempSync(join(app, "elsewhere-"));
    const command = join(app, "node_modules/.bin/runnerctl");
    const server = spawn(command, ["serve", "--sample", "--port", "0"], {
      cwd: folder,
      env: environment,
    });
    const closed = once(server, "close");
    let stdout = "";
    for await (const chunk of server.stdout.setEncoding("utf8")) {
      stdout += chunk;
      if (stdout.includes("Try:")) {
        break;
      }
    }
    const [, url = ""] = /Serving 6 runners on (\S+)\n/.exec(stdout) ?? [];
    const args = ["get", runnerId, "-o", "name", "--base-url", url];
    const { stdout: name } = await run(command, args, folder);
    server.kill();
    expect(await closed).toEqual([0, null]);
    expect(name).toBe(`${runnerId}\n`);
  });

  test("serves from a script of npm, which a signal to npm stops, if it starts with exec", async () => {
    const folder = mkdtempSync(join(app, "script-"));
    const scripts = { serve: "exec runnerctl serve --sample --port 0" };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, scripts }));
    const server = spawn("npm", ["run", "--silent", "serve"], {
      cwd: folder,
      env: { ...environment, PATH: `${join(app, "node_modules/.bin")}:${environment.PATH}` },
    });
    const closed = once(server, "close");
    let stdout = "";
    for await (const chunk of server.stdout.setEncoding("utf8")) {
      stdout += chunk;
      if (stdout.includes("Try:")) {
        break;
      }
    }
    const [, url = ""] = /on (http:\S+)\n/.exec(stdout) ?? [];
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    server.kill("SIGTERM");
    // Standard error closes when the server has exited, not only npm.
    await closed;
    await expect(fetch(`${url}/readyz`)).rejects.toThrow("fetch failed");
  });

  test("completes commands and IDs after npx", async () => {
    await withServer(["npx", "runnerctl"], async (url) => {
      const complete = async (...words: string[]) => {
        const program = `
          source <(npx runnerctl completion bash)
          COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"
          _runnerctl_npx
          printf '%s\\n' "\${COMPREPLY[@]}"`;
        const env = `ONA_BASE_URL=${url}`;
        const args = [env, "bash", "--norc", "-c", program, "-", ...words];
        return (await run("env", args, app)).stdout.trimEnd().split("\n");
      };
      expect(await complete("npx", "runnerctl", "st")).toEqual(["status"]);
      expect(await complete("npx", "runnerctl", "status", "c4")).toEqual([runnerId]);
    });
  });

  test("loads only what it needs, to start fast", async () => {
    const main = join(app, "node_modules/runner-service/dist/cli/main.cjs");
    const preload = join(app, "print-loaded.cjs");
    writeFileSync(
      preload,
      `process.on("exit", () => {
        const files = Object.keys(require.cache).filter((file) => file !== __filename);
        const bytes = files.reduce((sum, file) => sum + require("node:fs").statSync(file).size, 0);
        const fetch = process.moduleLoadList.filter((name) => name.includes("undici"));
        process.stderr.write("loaded " + JSON.stringify({ bytes, fetch }) + "\\n");
      });`,
    );
    const node = [process.execPath, "-r", preload, main];
    const parseLoaded = (text: string) => JSON.parse(/^loaded (.+)$/m.exec(text)?.[1] ?? "null");
    let getStderr = "";
    const serveStderr = await withServer(node, async (url) => {
      const body = JSON.stringify({ runnerId });
      const headers = { "Content-Type": "application/json" };
      const endpoint = `${url}/gitpod.v1.RunnerService/GetRunner`;
      expect((await fetch(endpoint, { method: "POST", headers, body })).status).toBe(200);
      const args = [...node.slice(1), "get", runnerId, "--base-url", url];
      ({ stderr: getStderr } = await run(process.execPath, args, app));
    });
    // Without undici (500 KB), Protovalidate (300 KB) and the built-in fetch of Node.js.
    expect(parseLoaded(getStderr)).toEqual({ bytes: expect.any(Number), fetch: [] });
    expect(parseLoaded(getStderr).bytes).toBeLessThan(260_000);
    expect(parseLoaded(serveStderr)).toEqual({ bytes: expect.any(Number), fetch: [] });
    expect(parseLoaded(serveStderr).bytes).toBeLessThan(650_000);
  });
});

test("the program in the README runs and type-checks in a project, as the README says", async () => {
  const blocks = readCodeBlocks().filter(({ page }) => page === "README.md");
  const [program, tsconfig] = ["ts", "json"].map((wanted) =>
    blocks.find(({ language }) => language === wanted),
  );
  await using store = await openFileRunnerStore({ paths: [join(root, "examples/runners")] });
  await using server = createRunnerServer({ store, port: 0 });
  expect(readFileSync(join(root, "README.md"), "utf8")).toContain(
    `npm install ./${packageJson.name}-${packageJson.version}.tgz\n`,
  );
  const source = program?.code.replace("http://127.0.0.1:8080", await server.start());
  const project = join(app, "project");
  mkdirSync(project);
  writeFileSync(join(project, "app.ts"), source ?? "");
  writeFileSync(join(project, "tsconfig.json"), tsconfig?.code ?? "");
  mkdirSync(join(project, "node_modules"));
  symlinkSync(join(root, "node_modules/@types"), join(project, "node_modules/@types"));

  const { stdout, stderr } = await run(process.execPath, ["app.ts"], project);
  expect({ stdout, stderr }).toEqual({ stdout: "Ona Cloud (US) true\n", stderr: "" });
  await run(toolPath("tsc"), [], project);
});

test("npm installs the package from a Git repository, and builds it", async () => {
  const repository = join(app, "repository");
  // All files as they are, committed or not.
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await run("git", list, root);
  const files = stdout.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
  for (const file of files) {
    cpSync(join(root, file), join(repository, file));
  }
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  await run("git", ["init", "--quiet"], repository);
  await run("git", ["add", "--all"], repository);
  await run("git", [...identity, "commit", "--quiet", "--message", "All files"], repository);

  const project = mkdtempSync(join(tmpdir(), "git-"));
  onTestFinished(() => rmSync(project, { recursive: true }));
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  const url = `git+file://${repository}`;
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", url], project);
  const { stdout: version } = await run("npx", ["runnerctl", "--version"], project);
  expect(version).toBe(`${packageJson.version}\n`);
}, 180_000);

test("buf generates stubs from the contract in the package", async () => {
  const folder = join(app, "stubs");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "buf.gen.yaml"),
    `version: v2
plugins:
  - local: ${JSON.stringify(toolPath("protoc-gen-es"))}
    out: gen
    opt: [target=js, import_extension=js]
    include_imports: true
`,
  );
  await run(toolPath("buf"), ["generate", "../node_modules/runner-service/proto"], folder);
  const { RunnerService } = await import(join(folder, "gen/gitpod/v1/runner_service_pb.js"));
  expect(RunnerService.typeName).toBe("gitpod.v1.RunnerService");
});

/** Runs a program. Rejects with all its output if it fails. */
async function run(command: string, args: readonly string[], cwd: string) {
  try {
    return await promisify(execFile)(command, args, { cwd, env: environment });
  } catch (error) {
    const { message, stdout } = error as Error & { stdout: string };
    throw new Error(`${message}\n${stdout}`, { cause: error });
  }
}
