import { sanitize } from "../../runner/sanitize.ts";
import { type Color, colorize } from "./colorize.ts";
import { canRedraw, canShowColors } from "./print.ts";
import { writeError } from "./standard-error.ts";
import { terminalColumns } from "./text-layout.ts";
import { asciiWidth, loadTextWidth, type TextWidth, truncate } from "./text-width.ts";

/** A part of a status line. Parts are separated by commas. */
export interface StatusPart {
  readonly text: string;
  readonly color?: Color | undefined;
}

/** A live status line: the last line of a terminal, redrawn every second until it is disposed. */
export interface StatusLine extends Disposable {
  /** Redraws the line now. */
  redraw(): void;
  /** Clears the line, calls `print`, and redraws the line below the output. */
  printAbove(print: () => void): void;
}

const separator = ", ";
const clearLine = "\r\x1b[K";
const clearBelow = "\r\x1b[J";
// Only a single line can be overwritten. The line is cut off to fit, but some terminals have other
// widths for some characters, so wrapping is off while it is drawn.
const disableWrap = "\x1b[?7l";
// A terminal that becomes narrower may break the line. The cursor stays at its start, where all of
// it can be cleared.
const enableWrap = "\x1b[?7h\r";

/** Options of {@link createStatusLine}. */
export interface StatusLineOptions {
  /** Whether to draw the line. It is never drawn if standard error cannot redraw a line. */
  readonly enabled: boolean;
  /** Whether to use colors if the terminal supports them. */
  readonly color: boolean;
}

/** Creates a status line on standard error. It shows what `getParts` returns at each redraw. */
export function createStatusLine(
  getParts: () => readonly StatusPart[],
  { enabled, color }: StatusLineOptions,
): StatusLine {
  const stream = process.stderr;
  if (!enabled || !canRedraw(stream)) {
    return { redraw: () => {}, printAbove: (print) => print(), [Symbol.dispose]: () => {} };
  }
  const colored = color && canShowColors(stream);
  let textWidth = asciiWidth;
  const redraw = () => {
    const columns = terminalColumns(stream) ?? Number.POSITIVE_INFINITY;
    const text = formatParts(getParts(), columns, colored, textWidth);
    writeError(`${clearLine}${disableWrap}${text}${enableWrap}`);
  };
  const onResize = () => {
    writeError(clearBelow);
    redraw();
  };
  const clear = () => writeError(clearLine);
  // Also if the process exits early, at a second signal.
  process.once("exit", clear);
  const timer = setInterval(redraw, 1000);
  stream.on("resize", onResize);
  redraw();
  loadTextWidth().then((loaded) => (textWidth = loaded));
  return {
    redraw,
    printAbove: (print) => {
      writeError(clearLine);
      print();
      redraw();
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      stream.off("resize", onResize);
      process.off("exit", clear);
      clear();
    },
  };
}

/** Formats parts as a line that is cut off to fit into `columns`. */
function formatParts(
  parts: readonly StatusPart[],
  columns: number,
  colored: boolean,
  textWidth: TextWidth,
): string {
  const texts = parts.map(({ text }) => sanitize(text));
  const line = truncate(texts.join(separator), columns, textWidth);
  if (!colored) {
    return line;
  }
  let end = 0;
  return parts
    .map(({ color }, i) => {
      const start = end;
      end = start + (texts[i] ?? "").length + separator.length;
      const text = line.slice(start, end - separator.length);
      return (text && colorize(text, color)) + line.slice(end - separator.length, end);
    })
    .join("");
}
