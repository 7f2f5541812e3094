/** The colours that carry a meaning. */
export type Color = "green" | "yellow" | "red";

const sgr: Record<Color, number> = { green: 32, yellow: 33, red: 31 };

const width = 80;
const indentation = 2;

/** A line for people: a label and what belongs to it, a text or rows of its own. */
export type Row =
  | {
      readonly label: string;
      readonly text: string | readonly string[];
      readonly color?: Color | undefined;
    }
  | { readonly label: string; readonly rows: readonly Row[] };

/**
 * Writes rows for people: labels to the left, texts in a column beside them,
 * each text of a list on its own line, rows of rows indented below their
 * label. Texts are broken between words to fit 80 columns; a word that does
 * not fit, a URL for example, is kept whole so that it can be copied.
 *
 * Texts come from a server, so they are made {@link sanitize} here, all of
 * them. Colours are written only if `colored`.
 */
export function renderRows(rows: readonly Row[], colored: boolean): string {
  return lines(rows, colored, 0).join("");
}

function lines(rows: readonly Row[], colored: boolean, indent: number): string[] {
  const labels = rows.filter((row) => "text" in row).map((row) => label(row).length);
  const column = indent + Math.max(0, ...labels) + 2;
  return rows.flatMap((row) => {
    const start = `${" ".repeat(indent)}${label(row)}`;
    if ("rows" in row) {
      return [`${start}\n`, ...lines(row.rows, colored, indent + indentation)];
    }
    const texts = [row.text].flat().flatMap((text) => wrap(sanitize(text), width - column));
    return texts.map((text, i) => {
      const painted = colored ? paint(text, row.color) : text;
      return `${`${(i === 0 ? start : "").padEnd(column)}${painted}`.trimEnd()}\n`;
    });
  });
}

/** Returns a text in a colour, as terminals understand it; without a colour, as it is. */
export function paint(text: string, color: Color | undefined): string {
  return color === undefined ? text : `\x1b[${sgr[color]}m${text}\x1b[39m`;
}

function label(row: Row): string {
  return `${sanitize(row.label)}:`;
}

/**
 * Returns a text on one line, without the characters that do something to a
 * terminal, or to the order in which text is read, instead of being shown.
 */
export function sanitize(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

function wrap(text: string, columns: number): string[] {
  const [first = "", ...words] = text.split(" ");
  const wrapped = [first];
  for (const word of words) {
    const longer = `${wrapped.at(-1)} ${word}`;
    if (longer.length <= columns) {
      wrapped[wrapped.length - 1] = longer;
    } else {
      wrapped.push(word);
    }
  }
  return wrapped;
}
