import { sanitize } from "../../runner/sanitize.ts";
import { canRedraw, canShowColors } from "./print.ts";
import { type Color, colorize } from "./rows.ts";

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

const clearLine = "\r\x1b[K";
// Wrapping is off while the line is drawn: only a single line can be overwritten.
const disableWrap = "\x1b[?7l";
const enableWrap = "\x1b[?7h";

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
  const redraw = () => {
    const texts = getParts().map(({ text, color }) =>
      colored ? colorize(sanitize(text), color) : sanitize(text),
    );
    stream.write(`${clearLine}${disableWrap}${texts.join(", ")}${enableWrap}`);
  };
  const clear = () => void stream.write(clearLine);
  // Also if the process exits early, at a second signal.
  process.once("exit", clear);
  const timer = setInterval(redraw, 1000);
  redraw();
  return {
    redraw,
    printAbove: (print) => {
      stream.write(clearLine);
      print();
      redraw();
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      process.off("exit", clear);
      clear();
    },
  };
}
