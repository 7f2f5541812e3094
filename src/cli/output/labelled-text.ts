import { type Color, colorize } from "./colorize.ts";
import type { TextLayout } from "./text-layout.ts";
import { wrap } from "./wrap.ts";

/** A text with a label on its left. */
export interface LabelledText {
  readonly label: string;
  /** The text, or the items of a list. */
  readonly text: string | readonly string[];
  readonly color?: Color | undefined;
  /** The column at which the label starts. Default: 0. */
  readonly indent?: number;
  /** The column at which the text starts. If the label is longer, the text starts on the next line. */
  readonly column: number;
}

/**
 * Formats a labelled text as lines, each item of a list on its own. Text wraps between words. A
 * word that is longer than the column, such as a URL, stays whole so that it can be copied. The text
 * is colored only if `colored`, and must be sanitized.
 */
export function renderLabelledText(
  { label, text, color, indent = 0, column }: LabelledText,
  colored: boolean,
  layout: TextLayout,
): string[] {
  const { columns, textWidth } = layout;
  const labelColumns = columns - indent;
  const labels = textWidth(label) <= labelColumns ? [label] : wrap(label, labelColumns, textWidth);
  const lines = labels.map((line) => " ".repeat(indent) + line);
  const start = getStart([text].flat(), column, layout);
  const texts = [text].flat().flatMap((item) => wrap(item, columns - start, textWidth));
  for (const [i, part] of texts.entries()) {
    const output = colored ? colorize(part, color) : part;
    const spaces = start - textWidth(lines.at(-1) ?? "");
    if (i === 0 && spaces >= minSpaces) {
      lines.push(`${lines.pop()}${" ".repeat(spaces)}${output}`);
    } else {
      lines.push(" ".repeat(start) + output);
    }
  }
  return lines.map((line) => line.trimEnd()).filter((line) => line !== "");
}

/** The spaces between a label and its text. */
export const minSpaces = 2;

/**
 * Returns the column at which a text starts. A text with a word that is too long for the column, but
 * not for the terminal, starts further left, so that the terminal does not break the word.
 */
function getStart(
  items: readonly string[],
  column: number,
  { edge, textWidth }: TextLayout,
): number {
  if (edge === Number.POSITIVE_INFINITY) {
    return column;
  }
  let start = column;
  for (const word of items.flatMap((item) => wrap(item, 0, textWidth))) {
    const width = textWidth(word);
    if (width <= edge) {
      start = Math.min(start, edge - width);
    }
  }
  return start;
}
