/** The colors of the output. Each has a meaning: good, warning, bad. */
export type Color = "green" | "yellow" | "red";

/** The SGR parameter of each color, for ANSI escape sequences. */
const sgrCodes: Record<Color, number> = { green: 32, yellow: 33, red: 31 };

/** Returns `text` in `color`, using ANSI escape sequences, or unchanged without a color. */
export function colorize(text: string, color: Color | undefined): string {
  return color === undefined ? text : `\x1b[${sgrCodes[color]}m${text}\x1b[39m`;
}
