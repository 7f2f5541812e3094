import type { WriteStream } from "node:tty";
import type { JsonValue } from "@bufbuild/protobuf";
import { formatJson } from "./format-json.ts";
import { type Row, renderRows } from "./rows.ts";
import { writeOutput } from "./standard-output.ts";

/** The output options of a command. */
export interface OutputOptions {
  readonly output: "text" | "json" | "yaml";
  /** Whether to use colors if the terminal supports them. */
  readonly color: boolean;
}

/** The result of a command. Only the function for the chosen output format is called. */
export interface PrintableResult {
  /** The result for people. */
  readonly rows: () => readonly Row[];
  /** The result for programs, printed as JSON or YAML. */
  readonly json: () => JsonValue;
}

/** Prints a result to standard output in the chosen format. */
export async function print(result: PrintableResult, options: OutputOptions): Promise<void> {
  writeOutput(await formatResult(result, options));
}

async function formatResult(
  result: PrintableResult,
  { output, color }: OutputOptions,
): Promise<string> {
  switch (output) {
    case "text":
      return renderRows(result.rows(), color && canShowColors(process.stdout));
    case "json":
      return `${formatJson(result.json(), 2)}\n`;
    case "yaml": {
      const { formatYaml } = await import("./format-yaml.ts");
      return formatYaml(result.json());
    }
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
