import { spawn } from "node:child_process";
import { once } from "node:events";
import graphemes from "@xterm/addon-unicode-graphemes";
import xterm, { type ITerminalOptions } from "@xterm/headless";

const root = new URL("../..", import.meta.url).pathname;
const main = `${root}src/cli/main.ts`;
const pseudoTerminal = new URL("pseudo-terminal.py", import.meta.url).pathname;

/**
 * A process on a pseudo-terminal, and the terminal emulator that shows its output. Disposing closes
 * the terminal, which ends the process.
 */
export interface TerminalProcess extends AsyncDisposable {
  /** All output so far, as bytes decoded from UTF-8. */
  readonly output: string;
  /** Returns the lines of the scrollback and the screen, without trailing blank lines. */
  readLines(): Promise<string[]>;
  /** Returns the lines that were too long, so that the terminal broke them, in one piece. */
  readBrokenLines(): Promise<string[]>;
  /** Returns the columns, from 0, at which a text starts in any line. */
  findColumns(text: string): Promise<number[]>;
  /** Resolves with the first match in the joined lines. Rejects if the process exits first. */
  waitForLines(pattern: RegExp): Promise<RegExpExecArray>;
  /** Types on the keyboard. */
  type(text: string): void;
  /** Resizes the terminal, which first reflows its content. */
  resize(columns: number, rows?: number): Promise<void>;
  /** Resolves when the process has exited and all its output is on the screen. */
  readonly exited: Promise<TerminalExit>;
}

/** How a {@link TerminalProcess} ended, with what it left on the terminal. */
export interface TerminalExit {
  readonly code: number | null;
  readonly output: string;
  readonly lines: readonly string[];
  readonly brokenLines: readonly string[];
}

/** Options of {@link startOnTerminal}. */
export interface TerminalOptions {
  /** Default: 80. */
  readonly columns?: number;
  /** Default: 24. */
  readonly rows?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Options of the terminal emulator, such as how it reflows lines when it is resized. */
  readonly emulator?: ITerminalOptions;
}

/** Starts runnerctl from its sources on a pseudo-terminal. */
export function startRunnerctlOn(
  args: readonly string[],
  options: TerminalOptions = {},
): TerminalProcess {
  return startOnTerminal([process.execPath, main, ...args], options);
}

/** Starts a command on a pseudo-terminal, without the environment variables of the user. */
export function startOnTerminal(
  command: readonly string[],
  { columns = 80, rows = 24, env = {}, emulator = {} }: TerminalOptions = {},
): TerminalProcess {
  const terminal = new xterm.Terminal({
    cols: columns,
    rows,
    allowProposedApi: true,
    scrollback: 10_000,
    ...emulator,
  });
  terminal.loadAddon(new graphemes.UnicodeGraphemesAddon());
  const { PATH, HOME } = process.env;
  const child = spawn("python3", [pseudoTerminal, String(columns), String(rows), ...command], {
    cwd: root,
    env: { PATH, HOME, TERM: "xterm-256color", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    terminal.write(text, () => {
      for (const listener of listeners) {
        listener();
      }
    });
  });
  const send = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`);
  // Writes are processed in order, so an empty one waits for all before it.
  const flush = () => new Promise<void>((resolve) => terminal.write("", resolve));
  const lines = () => {
    const { active } = terminal.buffer;
    const all = Array.from({ length: active.length }, (_, y) =>
      (active.getLine(y)?.translateToString(true) ?? "").trimEnd(),
    );
    return all.slice(0, all.findLastIndex((line) => line !== "") + 1);
  };
  const brokenLines = () => {
    const { active } = terminal.buffer;
    const rows = Array.from({ length: active.length }, (_, y) => active.getLine(y));
    const broken: string[] = [];
    for (const [y, row] of rows.entries()) {
      const text = row?.translateToString() ?? "";
      if (row?.isWrapped) {
        broken.push((broken.pop() ?? "") + text);
      } else if (rows[y + 1]?.isWrapped) {
        broken.push(text);
      }
    }
    return broken.map((line) => line.trimEnd());
  };
  const columnsOf = (text: string) => {
    const { active } = terminal.buffer;
    return Array.from({ length: active.length }, (_, y) => y).flatMap((y) => {
      const line = active.getLine(y);
      const cells = Array.from({ length: terminal.cols }, (_, x) => line?.getCell(x)?.getChars());
      const before = cells
        .map((chars) => chars ?? "")
        .join("")
        .indexOf(text);
      if (before === -1) {
        return [];
      }
      // Wide characters have an empty second cell.
      const lengths = cells.map((_, x) => cells.slice(0, x + 1).join("").length);
      return [lengths.findIndex((length) => length > before)];
    });
  };
  const exited = once(child, "close").then(async ([code]) => {
    await flush();
    return { code: code as number | null, output, lines: lines(), brokenLines: brokenLines() };
  });
  return {
    get output() {
      return output;
    },
    readLines: async () => {
      await flush();
      return lines();
    },
    readBrokenLines: async () => {
      await flush();
      return brokenLines();
    },
    findColumns: async (text) => {
      await flush();
      return columnsOf(text);
    },
    waitForLines: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(lines().join("\n"));
          if (match !== null) {
            listeners.delete(check);
            resolve(match);
          }
        };
        listeners.add(check);
        check();
        exited.then((exit) => {
          check();
          reject(new Error(`exited before ${pattern}: ${JSON.stringify(exit)}`));
        });
      }),
    type: (text) => send({ type: text }),
    resize: async (newColumns, newRows = rows) => {
      await flush();
      terminal.resize(newColumns, newRows);
      send({ resize: [newColumns, newRows] });
    },
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
