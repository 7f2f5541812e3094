import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../..", import.meta.url).pathname;

/** A fenced code block in the README or a page in docs. */
export interface CodeBlock {
  /** The path of the page, relative to the root of the repository. */
  readonly page: string;
  /** The number of the block's first line of code in the page, from 1. */
  readonly line: number;
  /** The language after the opening fence. Empty if there is none. */
  readonly language: string;
  /** The code, with a newline after each line. */
  readonly code: string;
}

/** Returns the code blocks of the README and of all pages in docs, in order. */
export function readCodeBlocks(): CodeBlock[] {
  const pages = ["README.md", ...globSync("docs/**/*.md", { cwd: root }).toSorted()];
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8");
    const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
    return blocks.map(({ index, 1: language = "", 2: code = "" }) => ({
      page,
      line: text.slice(0, index).split("\n").length + 1,
      language,
      code,
    }));
  });
}

/** Returns a pattern for the output: "…" matches anything, trailing whitespace is ignored. */
export function outputPattern(output: string): RegExp {
  const parts = output.trimEnd().split("…");
  const escaped = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${escaped.join("[\\s\\S]*")}\\s*$`);
}
