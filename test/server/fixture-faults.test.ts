import { once } from "node:events";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, type TestContext, test, vi } from "vitest";
import { json, otherId } from "../support/file-store.ts";
import { type RunnerctlProcess, startRunnerctl } from "../support/runnerctl.ts";
import { post } from "../support/server.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const documented = new URL("../documented-response.json", import.meta.url).pathname;

/** Starts `runnerctl serve` on a free port, and ends it after the test. */
function serve(context: TestContext, ...args: string[]): RunnerctlProcess {
  const server = startRunnerctl(["serve", "--port", "0", "--data", ...args]);
  context.onTestFinished(async () => {
    server.process.kill("SIGKILL");
    await server.exited;
  });
  return server;
}

const waitForUrl = async (server: RunnerctlProcess) =>
  (await server.waitForStdout(/Serving .* on (\S+)\n/))[1] ?? "";

describe("runnerctl serve", () => {
  test("reports invalid files in the log and in a metric, and serves changes of others", async (context) => {
    const folder = makeTempFolder(context);
    const bad = folder.write("bad.json", json("bad"));
    folder.write("other.json", json("1", otherId));
    const server = serve(context, folder.path);
    const url = await waitForUrl(server);
    const metric = async () =>
      /^runner_server_stale_files (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
    expect(await metric()).toBe("0");
    writeFileSync(bad, "{");
    await server.waitForStderr(/not reloaded: [^"]*bad\.json:1:2: /);
    expect(await metric()).toBe("1");
    folder.write("other.json", json("2", otherId));
    await server.waitForStderr(/reloaded: 2 runners/);
    const { body } = await post(url, JSON.stringify({ runnerId: otherId }));
    expect(body).toMatchObject({ runner: { name: "2" } });
    writeFileSync(bad, json("good"));
    await server.waitForStderr(/reloaded: 2 runners[\s\S]*reloaded: 2 runners/);
    expect(await metric()).toBe("0");
  });

  test("warns of a runner that cannot be requested, and shows a call that works", async (context) => {
    const file = makeTempFolder(context).write("a.json", json("a", otherId));
    const server = serve(context, documented, file, "--lenient");
    const [, runnerId = ""] = await server.waitForStdout(/-d '\{"runnerId":"(.*)"\}'/);
    await server.waitForStderr(/runner\.runnerId: must be a valid UUID \(no request can name/);
    expect((await post(await waitForUrl(server), JSON.stringify({ runnerId }))).status).toBe(200);
  });

  test("suggests --lenient if that accepts all problems", async (context) => {
    const refused = serve(context, documented);
    expect(await refused.exited).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\[bytes\.len\]\nwith --lenient, these are warnings\n$/),
    });
    const file = makeTempFolder(context).write("a.json", '{"runner":{"name":1}}');
    const { stderr } = await serve(context, documented, file).exited;
    expect(stderr).not.toContain("--lenient");
  });

  test("shows no call if no runner can be requested", async (context) => {
    const server = serve(context, documented, "--lenient");
    await waitForUrl(server);
    server.process.kill();
    expect((await server.exited).stdout).not.toContain("Try:");
  });

  test("starts and stops with links that lead in circles", async (context) => {
    const folder = makeTempFolder(context);
    folder.write("a.json", json("a"));
    symlinkSync(".", join(folder.path, "a"));
    symlinkSync(".", join(folder.path, "b"));
    const server = serve(context, folder.path);
    await waitForUrl(server);
    server.process.kill();
    expect((await server.exited).code).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "stops at once at %s while it loads",
    async (signal) => {
      const folder = makeTempFolder();
      folder.write("a.yaml", `--- ${json("a")}\n`.repeat(100_000));
      const server = startRunnerctl(["serve", "--port", "0", "--data", folder.path]);
      await server.waitForStderr(/loading: \d+ runners so far/);
      const signaledAt = performance.now();
      server.process.kill(signal);
      const { code, stdout } = await server.exited;
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      expect(performance.now() - signaledAt).toBeLessThan(2000);
    },
  );

  test("stops at SIGTERM at every moment", async (context) => {
    const folder = makeTempFolder(context);
    folder.write("a.ndjson", `${json("a")}\n`.repeat(100_000));
    for (const delay of [50, 100, 200, 400, 800]) {
      const server = serve(context, folder.path);
      await setTimeout(delay);
      server.process.kill("SIGTERM");
      const [code, by] = await once(server.process, "exit");
      // Before it handles signals, the signal ends it. Later on, the file is invalid.
      expect([0, 1, null]).toContain(code);
      expect([null, "SIGTERM"]).toContain(by);
    }
  });
});
