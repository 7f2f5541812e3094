import { execFile } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type CodeBlock, outputPattern, readCodeBlocks } from "./support/documentation.ts";
import { type RunnerctlProcess, startRunnerctl } from "./support/runnerctl.ts";
import { makeTempFolder } from "./support/temp-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const root = new URL("..", import.meta.url).pathname;
const run = promisify(execFile);

const blocks = readCodeBlocks();
const snippets = blocks.filter(({ language }) => language === "ts");
const programs = blocks.flatMap((block, index) => {
  const next = blocks[index + 1];
  return block.language === "ts" && next?.page === block.page && next.language === ""
    ? [{ name: `${block.page}:${block.line}`, snippet: block, output: next.code }]
    : [];
});

/** The sources of the entry points, so that no build is needed. */
const sources = Object.entries<string>(
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")).exports,
)
  .filter(([, target]) => target.startsWith("./dist/"))
  .map(([name, target]) => ({
    name: `runner-service${name.slice(1)}`,
    path: join(root, target.replace("./dist/", "").replace(/\.js$/, ".ts")),
  }));

/** Creates an app that has the dependencies of this repository. */
function makeApp(...parameters: Parameters<typeof makeTempFolder>) {
  const app = makeTempFolder(...parameters);
  app.write("package.json", '{ "type": "module" }');
  symlinkSync(join(root, "node_modules"), join(app.path, "node_modules"));
  return app;
}

describe("the TypeScript snippets in the README and in docs", () => {
  test("exist", () => {
    expect(snippets.length).toBeGreaterThan(5);
    expect(programs.length).toBeGreaterThan(2);
  });

  test("type-check strictly, each on its own", async () => {
    const app = makeApp();
    const files = snippets.map(({ page, line, code }) =>
      // Empty lines in front, so that errors have the line number of the page.
      app.write(`${page}:${line}.ts`, `${"\n".repeat(line - 1)}${code}\nexport {};\n`),
    );
    const paths = Object.fromEntries(sources.map(({ name, path }) => [name, [path]]));
    const compilerOptions = { paths, typeRoots: [join(root, "node_modules/@types")] };
    app.write(
      "tsconfig.json",
      JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, files, include: [] }),
    );
    const tsc = join(root, "node_modules/.bin/tsc");
    const { stdout } = await run(tsc, ["--pretty", "false"], { cwd: app.path }).catch((e) => e);
    expect(stdout).toBe("");
  });
});

describe.concurrent("the TypeScript programs in the README and in docs", () => {
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

  test.for(programs)("print the output that is shown: $name", async (program, context) => {
    const { snippet, output } = program;
    const app = makeApp(context);
    const file = app.write("app.ts", withSources(snippet).replace("http://127.0.0.1:8080", url));
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, ONA_BASE_URL: url };
    const { stdout, stderr } = await run(process.execPath, [file], { env });
    context.expect(stderr).toBe("");
    context.expect(stdout).toMatch(outputPattern(output));
  });
});

/** Returns the code of a snippet with the sources in place of the package. */
function withSources({ code }: CodeBlock): string {
  return code.replace(/(?<=from )"(runner-service[^"]*)"/g, (_, specifier: string) => {
    for (const { name, path } of sources) {
      const [start = "", end] = name.split("*");
      if (end === undefined ? specifier === name : specifier.startsWith(start)) {
        return JSON.stringify(path.replace("*", specifier.slice(start.length)));
      }
    }
    throw new Error(`the package has no entry point ${specifier}`);
  });
}
