import { sanitize } from "../../runner/sanitize.ts";
import type { Color } from "./colorize.ts";
import { minSpaces, renderLabelledText } from "./labelled-text.ts";
import { defaultLayout, type TextLayout } from "./text-layout.ts";

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
 * Formats rows as text. Labels are on the left, and texts in a column to their right, each item of
 * a list on its own line. Nested rows are indented below their label.
 *
 * Labels and texts may come from a server, so all of them go through {@link sanitize}. Colors are
 * used only if `colored`. The default layout is for ASCII text in a pipe.
 */
export function renderRows(
  rows: readonly Row[],
  colored: boolean,
  layout: TextLayout = defaultLayout,
): string {
  return renderLines(rows, colored, layout, 0)
    .map((line) => `${line}\n`)
    .join("");
}

function renderLines(
  rows: readonly Row[],
  colored: boolean,
  layout: TextLayout,
  indent: number,
): string[] {
  const column = getTextColumn(rows, layout, indent);
  return rows.flatMap((row) => {
    const label = formatLabel(row);
    if ("rows" in row) {
      return [
        ...renderLabelledText({ label, text: [], indent, column }, colored, layout),
        ...renderLines(row.rows, colored, layout, indent + indentation),
      ];
    }
    const text = [row.text].flat().map(sanitize);
    return renderLabelledText({ ...row, label, text, indent, column }, colored, layout);
  });
}

/** A label that leaves less space than this has its text below it. */
const minTextColumns = 20;

/** Returns the column for the texts of rows. */
function getTextColumn(
  rows: readonly Row[],
  { columns, textWidth }: TextLayout,
  indent: number,
): number {
  const maxLabelWidth = columns - indent - minSpaces - minTextColumns;
  let labelWidth = 0;
  for (const row of rows) {
    const width = "text" in row ? textWidth(formatLabel(row)) : 0;
    if (width <= maxLabelWidth) {
      labelWidth = Math.max(labelWidth, width);
    }
  }
  return indent + labelWidth + minSpaces;
}

function formatLabel(row: Row): string {
  return `${sanitize(row.label)}:`;
}
