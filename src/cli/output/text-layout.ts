import type { WriteStream } from "node:tty";
import { asciiWidth, loadTextWidth, type TextWidth } from "./text-width.ts";

/** What the layout of text depends on. */
export interface TextLayout {
  /** The columns that lines should fit in. */
  readonly columns: number;
  /** The column at which a terminal breaks lines, even within words. Infinity in a pipe or a file. */
  readonly edge: number;
  readonly textWidth: TextWidth;
}

/** The layout of ASCII text in a pipe. */
export const defaultLayout: TextLayout = {
  columns: 80,
  edge: Number.POSITIVE_INFINITY,
  textWidth: asciiWidth,
};

/**
 * Returns the layout for text on a stream, at its current size. `sample` is all text, if it is
 * known: see {@link loadTextWidth}.
 */
export async function loadTextLayout(stream: WriteStream, sample?: string): Promise<TextLayout> {
  return createTextLayout(stream, await loadTextWidth(sample));
}

/** Returns the layout for text that is measured by `textWidth`, at the current size of a stream. */
export function createTextLayout(stream: WriteStream, textWidth: TextWidth): TextLayout {
  return {
    columns: getColumns(stream),
    edge: terminalColumns(stream) ?? Number.POSITIVE_INFINITY,
    textWidth,
  };
}

/**
 * Returns the columns for text on a stream: `COLUMNS` of the environment, or else the width of the
 * terminal, or else 80.
 */
export function getColumns(stream: WriteStream): number {
  const { COLUMNS = "" } = process.env;
  return /^[1-9]\d{0,5}$/.test(COLUMNS) ? Number(COLUMNS) : (terminalColumns(stream) ?? 80);
}

/** Returns the width of the terminal. Undefined if the stream is none, or one that has no size. */
export function terminalColumns(stream: WriteStream): number | undefined {
  return stream.isTTY && stream.columns > 0 ? stream.columns : undefined;
}
