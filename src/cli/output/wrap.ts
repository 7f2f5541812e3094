import type { TextWidth } from "./text-width.ts";

/**
 * Wraps text between words, so that each line takes at most `columns`, or is a single word that is
 * longer. Words are kept whole. Several spaces become one.
 */
export function wrap(text: string, columns: number, textWidth: TextWidth): string[] {
  const lines: string[] = [];
  let line = "";
  let width = 0;
  const isAscii = !/[^ -~]/.test(text);
  for (const word of text.split(/ +/)) {
    let space = line === "" ? "" : " ";
    for (const part of isAscii ? [word] : splitWord(word)) {
      const partWidth = textWidth(part);
      if (line !== "" && width + space.length + partWidth > columns) {
        lines.push(line);
        line = part;
        width = partWidth;
      } else {
        line += space + part;
        width += space.length + partWidth;
      }
      space = "";
    }
  }
  return [...lines, line];
}

/**
 * Splits text without spaces where a line may end: in Chinese and Japanese, before and after each
 * character. Punctuation is not separated from it: opening before it, and closing after it.
 */
function splitWord(word: string): string[] {
  if (!/[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]/u.test(word)) {
    return [word];
  }
  const parts = word.match(
    /[\p{Ps}\p{Pi}]*(?:[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]|[^\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{Ps}\p{Pi}]+|$)[\p{Pe}\p{Pf}\p{Po}\p{M}ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ]*/gu,
  );
  return (parts ?? []).filter((part) => part !== "");
}
