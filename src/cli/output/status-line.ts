import { canRedraw, canShowColors } from "./print.ts";
import { type Color, paint, sanitize } from "./rows.ts";

/** A piece of a status line. */
export interface StatusPart {
  readonly text: string;
  readonly color?: Color | undefined;
}

/** The last line of a terminal, redrawn every second. */
export interface StatusLine extends Disposable {
  /** Draws the line anew. */
  redraw(): void;
  /** Prints with the line out of the way. */
  around(print: () => void): void;
}

const clear = "\r\x1b[K";
// What does not fit is not to wrap: only one line can be written over.
const wrapOff = "\x1b[?7l";
const wrapOn = "\x1b[?7h";

/** Options of {@link createStatusLine}. */
export interface StatusLineOptions {
  /** Whether to draw at all. It takes a standard error where something can be redrawn, too. */
  readonly live: boolean;
  /** Whether colours are welcome, where they can be shown. */
  readonly color: boolean;
}

/** Begins a status line on standard error, which shows what `parts` returns. */
export function createStatusLine(
  parts: () => readonly StatusPart[],
  { live, color }: StatusLineOptions,
): StatusLine {
  const stream = process.stderr;
  if (!live || !canRedraw(stream)) {
    return { redraw: () => {}, around: (print) => print(), [Symbol.dispose]: () => {} };
  }
  const colored = color && canShowColors(stream);
  const redraw = () => {
    const texts = parts().map(({ text, color }) =>
      colored ? paint(sanitize(text), color) : sanitize(text),
    );
    stream.write(`${clear}${wrapOff}${texts.join(", ")}${wrapOn}`);
  };
  const timer = setInterval(redraw, 1000);
  redraw();
  return {
    redraw,
    around: (print) => {
      stream.write(clear);
      print();
      redraw();
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      stream.write(clear);
    },
  };
}
