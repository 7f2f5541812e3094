import { Help } from "commander";
import { asciiWidth } from "./text-width.ts";
import { wrap } from "./wrap.ts";

/** With less space next to the options, their descriptions are below them. */
const minDescriptionColumns = 28;
const itemIndent = "  ";
const descriptionIndent = "      ";

/** Settings for commander's help that fit it to narrow terminals, where commander does not wrap. */
export const helpLayout: Partial<Help> = {
  minWidthToWrap: 1,
  formatItem(this: Help, term, termWidth, description, helper) {
    const columns = helpColumns(this);
    if (columns - itemIndent.length - termWidth - 2 >= minDescriptionColumns) {
      return Help.prototype.formatItem.call(this, term, termWidth, description, helper);
    }
    return [
      itemIndent + term,
      ...wrapLines(description, columns - descriptionIndent.length).map(
        (line) => descriptionIndent + line,
      ),
    ].join("\n");
  },
  formatHelp(this: Help, command, helper) {
    // The line about the usage is not wrapped yet.
    const text = Help.prototype.formatHelp.call(this, command, helper);
    return text.replace(/^Usage: .*/, (usage) => wrapLines(usage, helpColumns(this)).join("\n"));
  },
};

/** Wraps the paragraphs of a text. Those with indented lines, which are commands, stay as they are. */
export function wrapParagraphs(text: string, columns: number): string {
  const paragraphs = text.split("\n\n").map((paragraph) => {
    const isCommand = /^ /m.test(paragraph);
    return isCommand ? paragraph : wrapLines(paragraph.replaceAll("\n", " "), columns).join("\n");
  });
  return paragraphs.join("\n\n");
}

function wrapLines(text: string, columns: number): string[] {
  return wrap(text, columns, asciiWidth);
}

function helpColumns({ helpWidth = 80 }: Help): number {
  return helpWidth;
}
