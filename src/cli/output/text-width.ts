/** Returns the number of columns that a text takes on a terminal. */
export type TextWidth = (text: string) => number;

/** The width of ASCII text. */
export const asciiWidth: TextWidth = (text) => text.length;

/**
 * Loads a function that measures any text: East Asian characters and emoji are wide, and combining
 * characters take no column. If `sample` contains all text to measure and is ASCII, as nearly
 * always, nothing is loaded, because that takes longer than the rest of the output.
 */
export async function loadTextWidth(sample?: string): Promise<TextWidth> {
  const isAscii = sample !== undefined && !/[^\n -~]/.test(sample);
  return isAscii ? asciiWidth : (await import("string-width")).default;
}

/**
 * Returns `text`, or the start of it that fits with an ellipsis into `columns`. Never breaks a
 * character that consists of several code points.
 */
export function truncate(text: string, columns: number, textWidth: TextWidth): string {
  // A line never has more columns than code units. A longer text is not worth measuring.
  const candidate = text.slice(0, 20 * Math.max(columns, 1));
  if (candidate.length === text.length && textWidth(text) <= columns) {
    return text;
  }
  let start = "";
  for (const { segment } of new Intl.Segmenter().segment(candidate)) {
    if (textWidth(start + segment) >= columns) {
      break;
    }
    start += segment;
  }
  return `${start}…`;
}
