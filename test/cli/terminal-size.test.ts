import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ITerminalOptions } from "@xterm/headless";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runRunnerctl } from "../support/runnerctl.ts";
import { samples } from "../support/sample-runner.ts";
import { startRunnerctlOn } from "../support/terminal.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
const id = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

const { runner } = JSON.parse(readFileSync(`${samples}aws-enterprise-active.json`, "utf8"));
runner.name = "フランクフルト 👨‍👩‍👧";
runner.status.updatedAt = new Date().toISOString();
runner.status.message =
  "ランナーは正常に動作しています。新しい環境を開始できます、今すぐ「試して」ください。詳細はチームの「運用ガイド」を参照してください。";
runner.status.additionalInfo.push(
  { key: "地域", value: "cell-1" },
  { key: "👨‍👩‍👧 ⚠️ 🇩🇪", value: "cell-2" },
  { key: "Équipe", value: "cell-3" },
  { key: "ทีม", value: "cell-4" },
);

let url: string;
const server = createServer((_, response) => {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ runner }));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function runAt(columns: number, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const options = { columns, rows: 50, env: { ONA_BASE_URL: url, ...env } };
  await using runnerctl = startRunnerctlOn(args, options);
  const { lines, brokenLines } = await runnerctl.exited;
  return { lines, brokenLines, cells: await runnerctl.findColumns("cell-") };
}

const widthOf = (line: string) => line.length;

describe.concurrent("text output", () => {
  test.for(
    [20, 32, 50, 80, 120, 200].flatMap((columns) =>
      ["get", "status", "config"].map((command) => ({ command, columns })),
    ),
  )(
    "of $command at $columns columns breaks no word that fits",
    async ({ command, columns }, { expect }) => {
      const { lines, brokenLines } = await runAt(columns, [command, id]);
      expect(lines.length).toBeGreaterThan(8);
      // Only the last word of a line can be too long.
      const lastWords = brokenLines.map((line) => line.split(" ").at(-1) ?? "");
      expect(lastWords.filter((word) => word.length <= columns)).toEqual([]);
    },
  );

  test("uses the width of the terminal", async ({ expect }) => {
    const capabilities = async (columns: number) => {
      const { lines } = await runAt(columns, ["get", id]);
      const start = lines.findIndex((line) => line.includes("Capabilities:"));
      return lines.slice(
        start,
        lines.findIndex((line) => line.includes("LLM URL:")),
      ).length;
    };
    expect(await capabilities(80)).toBe(7);
    expect(await capabilities(200)).toBe(2);
  });

  test.for([50, 80, 200])(
    "aligns wide and combined characters at %d columns",
    async (columns, { expect }) => {
      const { cells } = await runAt(columns, ["get", id]);
      expect(cells).toHaveLength(4);
      expect(new Set(cells).size).toBe(1);
    },
  );

  test("wraps text without spaces, but not before punctuation", async ({ expect }) => {
    const { lines, brokenLines } = await runAt(50, ["status", id]);
    expect(brokenLines).toEqual([]);
    const start = lines.findIndex((line) => line.startsWith("Message:"));
    const end = lines.findIndex((line) => line.startsWith("Heartbeat:"));
    const texts = lines.slice(start, end).map((line) => line.slice("Heartbeat:  ".length));
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.join("")).toBe(runner.status.message);
    for (const text of texts) {
      expect(text).not.toMatch(/^[。、」]|「$/);
    }
  });

  test("has 80 columns in a pipe, where long words stay next to their labels", async ({
    expect,
  }) => {
    const { stdout } = await runRunnerctl(["get", id], { ONA_BASE_URL: url });
    const lines = stdout.split("\n");
    expect(Math.max(...lines.filter((line) => !/https?:/.test(line)).map(widthOf))).toBe(79);
    expect(stdout).toContain(`Log URL:             ${runner.status.logUrl}\n`);
  });

  test.for(["a pipe", "a terminal"])(
    "has the width in COLUMNS in %s",
    async (place, { expect }) => {
      const env = { ONA_BASE_URL: url, COLUMNS: "60" };
      const lines =
        place === "a pipe"
          ? (await runRunnerctl(["status", id], env)).stdout.split("\n")
          : (await runAt(120, ["status", id], env)).lines;
      const texts = lines.filter((line) => line.includes("て"));
      expect(texts.length).toBeGreaterThan(2);
      expect(Math.max(...texts.map(widthOf))).toBeLessThanOrEqual(40);
    },
  );

  test("has the width of the terminal if COLUMNS is not a number", async ({ expect }) => {
    const { lines } = await runAt(200, ["config", id], { COLUMNS: "wide" });
    expect(lines).toEqual((await runAt(200, ["config", id])).lines);
  });

  test("of watch wraps changes on a terminal, but not in a pipe", async ({ expect }) => {
    const args = ["watch", id, "--interval", "1m"];
    for (const columns of [20, 50, 80, 200]) {
      await using watch = startRunnerctlOn(args, { columns, env: { ONA_BASE_URL: url } });
      await watch.waitForLines(/port-authentication[\s\S]*phase active/);
      const broken = await watch.readBrokenLines();
      const lastWords = broken.map((line) => line.split(" ").at(-1) ?? "");
      expect(lastWords.filter((word) => word.length <= columns)).toEqual([]);
    }
  });
});

describe.concurrent("help", () => {
  test.for(
    [[], ["get", "--help"], ["wait", "--help"], ["serve", "--help"]].flatMap((args) =>
      [32, 40, 50, 80, 200].map((columns) => ({ args, columns })),
    ),
  )(
    "of $args at $columns columns breaks no word that fits",
    async ({ args, columns }, { expect }) => {
      const { lines, brokenLines } = await runAt(columns, args);
      expect(lines.length).toBeGreaterThan(8);
      // Commands to copy stay whole.
      const others = brokenLines.filter((line) => !/^ +(\$ )?runnerctl /.test(line));
      const lastWords = others.map((line) => line.split(" ").at(-1) ?? "");
      expect(lastWords.filter((word) => word.length <= columns)).toEqual([]);
    },
  );
});

/** What terminals do with the line of the cursor when they become narrower. */
const emulators: Record<string, ITerminalOptions> = {
  "cuts off the line": {},
  "reflows no line": { windowsPty: { backend: "winpty" } },
};

const commands: Record<string, readonly string[]> = {
  watch: ["watch", id, "--interval", "1m"],
  wait: ["wait", id, "--interval", "1m", "--for", "phase=deleted", "--timeout", "5m"],
};

/** The widths that a terminal gets, one after the other. */
const widths = [60, 40, 25, 12, 90, 30, 100];

/** Parts of the status line. Events have more spaces. */
const statusParts =
  /phase act|health healthy|heartbeat \d|seen |waiting for|\d [ms]\w* left|phase is/g;

describe.concurrent("the status line", () => {
  const cases = Object.keys(emulators).flatMap((kind) => [
    { kind, command: "watch" },
    { kind, command: "wait" },
  ]);
  test.for(cases)(
    "of $command leaves no ghosts on a terminal that $kind",
    async ({ kind, command }, { expect }) => {
      await using runnerctl = startRunnerctlOn(commands[command] ?? [], {
        columns: 100,
        env: { ONA_BASE_URL: url },
        emulator: emulators[kind] ?? {},
      });
      await runnerctl.waitForLines(command === "watch" ? /health healthy, / : /phase is active/);
      for (const columns of widths) {
        await runnerctl.resize(columns);
        await vi.waitFor(
          async () => expectOneStatusLine(await runnerctl.readLines(), columns),
          5000,
        );
      }
      runnerctl.type("\x03");
      const { code, lines } = await runnerctl.exited;
      expect(code).toBe(130);
      expect(lines.join("\n").match(statusParts)).toBeNull();
    },
  );

  test.skipIf(isMissing("tmux")).for(["watch", "wait"])(
    "of %s leaves no ghosts in tmux, which reflows lines",
    async (command, { expect, onTestFinished }) => {
      const socket = `runnerctl-${process.pid}-${command}`;
      const tmux = (...args: string[]) => {
        const { status, stdout, stderr } = spawnSync(
          "tmux",
          ["-L", socket, "-f", "/dev/null", ...args],
          {
            encoding: "utf8",
            env: { PATH: process.env.PATH, ONA_BASE_URL: url, LC_ALL: "C.UTF-8" },
          },
        );
        expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
        return stdout.trimEnd().split("\n");
      };
      onTestFinished(() => void tmux("kill-server"));
      const line = [process.execPath, main, ...(commands[command] ?? [])].join(" ");
      tmux("new-session", "-d", "-x", "100", "-y", "40", line);
      await vi.waitFor(() => {
        const lines = tmux("capture-pane", "-p");
        expect(lines.at(-1)).toMatch(command === "watch" ? /health healthy, / : /phase is active/);
      }, 10_000);
      for (const columns of widths) {
        tmux("resize-window", "-x", String(columns));
        await vi.waitFor(() => expectOneStatusLine(tmux("capture-pane", "-p"), columns), 5000);
      }
    },
  );
});

/** Expects that the last line is as much of the status line as fits, and that no other line has any of it. */
function expectOneStatusLine(lines: readonly string[], columns: number): void {
  const last = lines.at(-1) ?? "";
  expect(last).toMatch(
    columns < 20 ? /^(phase act|waiting f)/ : /^(phase active, |waiting for phase=)/,
  );
  if (columns < 50) {
    expect(last).toMatch(/…$/);
    expect(last).toHaveLength(columns);
  } else {
    expect(last.length).toBeGreaterThan(45);
    expect(last.length).toBeLessThanOrEqual(columns);
  }
  expect(lines.slice(0, -1).join("\n").match(statusParts)).toBeNull();
}

function isMissing(command: string): boolean {
  const missing = spawnSync(command, ["-V"]).status !== 0;
  if (missing) {
    console.warn(`${command} is not installed, so the status line in it is NOT tested`);
  }
  return missing;
}
