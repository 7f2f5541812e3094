import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import {
  type Examination,
  firstOfEachLine,
  positionAt,
  type SourceDocument,
  type SourceNode,
  tooDeep,
} from "./source-document.ts";

/** Makes a document of JSON text that begins in line `firstLine` of its file. */
export function createJsonDocument(text: string, firstLine = 1): SourceDocument {
  return {
    json: text,
    read: () => {
      try {
        const value: unknown = JSON.parse(text);
        // JSON.parse keeps the last of two members with one name, and is silent about it.
        return countMembers(value) === countColons(text) ? value : undefined;
      } catch {
        // Of wrong form, or nested too deep to be counted.
        return undefined;
      }
    },
    examine: () => examine(text),
    positionAt: (offset) => {
      const { line, column } = positionAt(text, offset);
      return { line: line + firstLine - 1, column };
    },
  };
}

function examine(text: string): Examination {
  try {
    const parseErrors: ParseError[] = [];
    const tree = parseTree(text, parseErrors, { disallowComments: true });
    const errors = firstOfEachLine(
      text,
      parseErrors.map(({ offset, error }) => ({
        offset,
        message: messages[printParseErrorCode(error)],
      })),
    );
    return tree === undefined || errors.length > 0 ? { errors } : { root: nodeOf(tree), errors };
  } catch (error) {
    if (error instanceof RangeError) {
      return tooDeep;
    }
    throw error;
  }
}

// None quotes the text: it may hold secrets.
const messages: Record<ReturnType<typeof printParseErrorCode>, string> = {
  InvalidSymbol: "is no JSON: names and strings take double quotes",
  InvalidNumberFormat: "is no number as JSON has them",
  PropertyNameExpected: 'must be a name in double quotes: there is no comma before "}"',
  ValueExpected: "must be a value",
  ColonExpected: 'must be a ":"',
  CommaExpected: 'must be a ","',
  CloseBraceExpected: 'must be a "}": the object is not closed',
  CloseBracketExpected: 'must be a "]": the list is not closed',
  EndOfFileExpected: "must be the end: a .json file holds one fixture, a line of .ndjson too",
  InvalidCommentToken: "must not be a comment: JSON has none, YAML has",
  UnexpectedEndOfComment: "must not be a comment: JSON has none, YAML has",
  UnexpectedEndOfString: 'must be a string that ends with a " in the same line',
  UnexpectedEndOfNumber: "is no number as JSON has them",
  InvalidUnicode: 'must be a string in which "\\u" comes with four hexadecimal digits',
  InvalidEscapeCharacter:
    'must be a string in which "\\" comes with one of " \\ / b f n r t u: write "\\\\" for itself',
  InvalidCharacter: 'must be a string without control characters: write "\\t" for a tab',
  "<unknown ParseErrorCode>": "is no JSON",
};

function nodeOf(node: Node): SourceNode {
  const { offset } = node;
  if (node.type === "array") {
    const items = (node.children ?? []).map(nodeOf);
    return { offset, value: items.map(({ value }) => value), items };
  }
  if (node.type === "object") {
    const members = (node.children ?? []).flatMap(({ children: [name, value] = [] }) =>
      name && value ? [{ name: String(name.value), offset: name.offset, node: nodeOf(value) }] : [],
    );
    const value = Object.fromEntries(members.map(({ name, node }) => [name, node.value]));
    return { offset, value, members };
  }
  return { offset, value: node.value };
}

function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) {
    return 0;
  }
  const values = Object.values(value);
  let count = Array.isArray(value) ? 0 : values.length;
  for (const item of values) {
    count += countMembers(item);
  }
  return count;
}

/** Counts the colons outside of strings, of which every member of an object has one. */
function countColons(json: string): number {
  let count = 0;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === ":") {
      count++;
    } else if (char === '"') {
      i = endOfString(json, i);
    }
  }
  return count;
}

function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (isEscaped(json, end)) {
    end = json.indexOf('"', end + 1);
  }
  return end;
}

function isEscaped(json: string, index: number): boolean {
  let backslashes = 0;
  while (json[index - 1 - backslashes] === "\\") {
    backslashes++;
  }
  return backslashes % 2 === 1;
}
