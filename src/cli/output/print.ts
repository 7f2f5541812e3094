import type { WriteStream } from "node:tty";
import type { JsonValue } from "@bufbuild/protobuf";
import { formatJson } from "./format-json.ts";
import { type Row, renderRows } from "./rows.ts";
import { writeOutput } from "./standard-output.ts";
import { loadTextLayout } from "./text-layout.ts";

/** The output options of a command. */
export interface OutputOptions {
  readonly output: "text" | "json" | "yaml" | "name";
  /** Whether to use colors if the terminal supports them. */
  readonly color: boolean;
}

/** The result of a command. Only the member for the chosen output format is used. */
export interface PrintableResult {
  /** The ID of the runner, to pass to another command. If undefined, nothing is printed. */
  readonly name?: string | undefined;
  /** The result for people. */
  readonly rows: () => readonly Row[];
  /** The result for programs, printed as JSON or YAML. */
  readonly json: () => JsonValue;
}

/** How the results of a command for several runners are separated. */
export interface ResultLayout {
  /** Whether there are several results. */
  readonly several: boolean;
  /** What separates the results in text output. Default: a blank line. */
  readonly textSeparator?: string;
}

/**
 * Creates a function that prints results to standard output in the chosen format. Several results
 * are JSON Lines, a stream of YAML documents, or blocks of text.
 */
export function createResultPrinter(
  options: OutputOptions,
  { several, textSeparator = "\n" }: ResultLayout = { several: false },
): (result: PrintableResult) => Promise<void> {
  let separator = "";
  return async (result) => {
    const text = await formatResult(result, options, several);
    if (text !== "") {
      writeOutput(separator + text);
      separator = options.output === "text" ? textSeparator : "";
    }
  };
}

async function formatResult(
  result: PrintableResult,
  { output, color }: OutputOptions,
  several: boolean,
): Promise<string> {
  switch (output) {
    case "text": {
      const rows = result.rows();
      const layout = await loadTextLayout(process.stdout, JSON.stringify(rows));
      return renderRows(rows, color && canShowColors(process.stdout), layout);
    }
    case "json":
      return `${formatJson(result.json(), several ? 0 : 2)}\n`;
    case "yaml": {
      const { formatYaml } = await import("./format-yaml.ts");
      return `${several ? "---\n" : ""}${formatYaml(result.json())}`;
    }
    case "name":
      return result.name === undefined ? "" : `${result.name}\n`;
  }
}

/** Returns whether a stream shows colors. NO_COLOR disables them if not empty: https://no-color.org. */
export function canShowColors(stream: WriteStream): boolean {
  return canRedraw(stream) && !process.env.NO_COLOR;
}

/** Returns whether a line can be overwritten: the stream is a terminal, and not a dumb one. */
export function canRedraw(stream: WriteStream): boolean {
  return stream.isTTY && process.env.TERM !== "dumb";
}
