/**
 * One document in a file, be it JSON or YAML: what it says, and where it says it.
 *
 * Offsets count UTF-16 code units from the beginning of the document's text.
 */
export interface SourceDocument {
  /** Its text, if it is JSON. */
  readonly json?: string;
  /**
   * What the document says, or undefined when its form is wrong or an object
   * in it has two members of one name: {@link examine} then tells more.
   */
  read(): unknown;
  /** What the document says and where, and all that is wrong with its form. Slower than `read`. */
  examine(): Examination;
  /** Where in the file an offset is. */
  positionAt(offset: number): Position;
}

/** What {@link SourceDocument.examine} finds. */
export interface Examination {
  /** What the document says. Undefined when its form is wrong. */
  readonly root?: SourceNode;
  /** What is wrong with its form, in the order of the text. Empty when nothing is. */
  readonly errors: readonly SourceError[];
}

/** A value and where it is. */
export interface SourceNode {
  readonly offset: number;
  /** The value with all that is in it. Of two members with one name, the later. */
  readonly value: unknown;
  /** If it is an object: its members in the order of the text, also those with the same name. */
  readonly members?: readonly SourceMember[];
  /** If it is a list: its items. */
  readonly items?: readonly SourceNode[];
}

/** A member of an object. */
export interface SourceMember {
  readonly name: string;
  /** Where the name is. */
  readonly offset: number;
  readonly node: SourceNode;
}

/** Something wrong with the form of a document. */
export interface SourceError {
  readonly offset: number;
  readonly message: string;
}

/** A place in a file. Both count from 1; columns count UTF-16 code units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where in `text` an offset is. */
export function positionAt(text: string, offset: number): Position {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf("\n"); end !== -1 && end < offset; end = text.indexOf("\n", start)) {
    line++;
    start = end + 1;
  }
  return { line, column: offset - start + 1 };
}

/**
 * The first error of each line. One slip makes a parser stumble several times,
 * and what follows in the same line says nothing new.
 */
export function firstOfEachLine(text: string, errors: readonly SourceError[]): SourceError[] {
  const byLine = new Map<number, SourceError>();
  for (const error of errors.toSorted((a, b) => a.offset - b.offset)) {
    const { line } = positionAt(text, error.offset);
    if (!byLine.has(line)) {
      byLine.set(line, error);
    }
  }
  return [...byLine.values()];
}

/** What is wrong with a document whose values go so deep that it cannot be read. */
export const tooDeep: Examination = {
  errors: [{ offset: 0, message: "is nested too deep: no fixture needs that" }],
};

/** Whether an object in `node` has two members of one name. */
export function hasDoubles({ members = [], items = [] }: SourceNode): boolean {
  const names = new Set(members.map(({ name }) => name));
  return (
    names.size < members.length ||
    members.some(({ node }) => hasDoubles(node)) ||
    items.some(hasDoubles)
  );
}
