import type { WriteStream } from "node:tty";
import type { JsonValue } from "@bufbuild/protobuf";
import { type Row, renderRows } from "./rows.ts";

/** The options that say how a command prints what it has to say. */
export interface OutputOptions {
  readonly output: "text" | "json" | "yaml";
  /** Whether colours are welcome, where they can be shown. */
  readonly color: boolean;
}

/** What a command has to say, for people and for programs; only what is asked for is made. */
export interface Result {
  readonly rows: () => readonly Row[];
  readonly json: () => JsonValue;
}

/** Prints a result on standard output, in the form that was asked for. */
export async function print(result: Result, options: OutputOptions): Promise<void> {
  process.stdout.write(await written(result, options));
}

async function written(result: Result, { output, color }: OutputOptions): Promise<string> {
  switch (output) {
    case "text":
      return renderRows(result.rows(), color && canShowColors(process.stdout));
    case "json":
      return `${JSON.stringify(result.json(), null, 2)}\n`;
    case "yaml": {
      const { stringify } = await import("yaml");
      // Long lines stay whole, as in JSON: they are easier to search.
      return stringify(result.json(), { lineWidth: 0 });
    }
  }
}

/** NO_COLOR counts when it is not empty: https://no-color.org. */
export function canShowColors(stream: WriteStream): boolean {
  return canRedraw(stream) && !process.env.NO_COLOR;
}

/** Whether what was written can be written over: on a terminal, but not on a dumb one. */
export function canRedraw(stream: WriteStream): boolean {
  return stream.isTTY && process.env.TERM !== "dumb";
}
