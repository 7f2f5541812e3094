import { sanitize } from "../../runner/sanitize.ts";

/** The colors of the output. Each has a meaning: good, warning, bad. */
export type Color = "green" | "yellow" | "red";

/** The SGR parameter of each color, for ANSI escape sequences. */
const sgrCodes: Record<Color, number> = { green: 32, yellow: 33, red: 31 };

const lineWidth = 80;
const indentation = 2;

/** A row of text output: a label with a text, a list of texts, or nested rows. */
export type Row =
  | {
      readonly label: string;
      readonly text: string | readonly string[];
      readonly color?: Color | undefined;
    }
  | { readonly label: string; readonly rows: readonly Row[] };

/**
 * Formats rows as text. Labels are on the left, and texts in a column to their
 * right, each item of a list on its own line. Nested rows are indented below
 * their label. Texts wrap between words at 80 columns. A longer word, such as a
 * URL, stays whole so that it can be copied.
 *
 * Labels and texts may come from a server, so all of them go through
 * {@link sanitize}. Colors are used only if `colored`.
 */
export function renderRows(rows: readonly Row[], colored: boolean): string {
  return renderLines(rows, colored, 0).join("");
}

function renderLines(rows: readonly Row[], colored: boolean, indent: number): string[] {
  const labelWidths = rows.filter((row) => "text" in row).map((row) => formatLabel(row).length);
  const column = indent + Math.max(0, ...labelWidths) + 2;
  return rows.flatMap((row) => {
    const start = `${" ".repeat(indent)}${formatLabel(row)}`;
    if ("rows" in row) {
      return [`${start}\n`, ...renderLines(row.rows, colored, indent + indentation)];
    }
    const texts = [row.text].flat().flatMap((text) => wrap(sanitize(text), lineWidth - column));
    return texts.map((text, i) => {
      const output = colored ? colorize(text, row.color) : text;
      return `${`${(i === 0 ? start : "").padEnd(column)}${output}`.trimEnd()}\n`;
    });
  });
}

/** Returns `text` in `color`, using ANSI escape sequences, or unchanged without a color. */
export function colorize(text: string, color: Color | undefined): string {
  return color === undefined ? text : `\x1b[${sgrCodes[color]}m${text}\x1b[39m`;
}

function formatLabel(row: Row): string {
  return `${sanitize(row.label)}:`;
}

function wrap(text: string, columns: number): string[] {
  const [first = "", ...words] = text.split(" ");
  const lines = [first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length <= columns) {
      lines[lines.length - 1] = longer;
    } else {
      lines.push(word);
    }
  }
  return lines;
}
