import { Composer, type Document, isAlias, isMap, isSeq, type ParsedNode, Parser } from "yaml";
import {
  type Examination,
  firstOfEachLine,
  hasDoubles,
  positionAt,
  type SourceDocument,
  type SourceError,
  type SourceMember,
  type SourceNode,
  tooDeep,
} from "./source-document.ts";

/** Reads the documents of YAML text one after the other, but for those with nothing in them. */
export function* readYamlDocuments(text: string): Generator<SourceDocument> {
  const composer = new Composer({
    // Quotes the text, in which there may be secrets.
    prettyErrors: false,
    // Also for documents that call themselves YAML 1.1, where a time is no string.
    schema: "core",
    stringKeys: true,
    // JSON and YAML are to say the same of names that are there twice: see hasDoubles.
    uniqueKeys: false,
  });
  try {
    for (const document of composer.compose(new Parser().parse(text), true, text.length)) {
      if (!isEmpty(document)) {
        yield createDocument(text, () => examine(text, document));
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) {
      throw error;
    }
    yield createDocument(text, () => tooDeep);
  }
}

function isEmpty({ contents, errors }: Document.Parsed): boolean {
  return errors.length === 0 && (contents === null || contents.range[0] === contents.range[1]);
}

function createDocument(text: string, examine: () => Examination): SourceDocument {
  return {
    read: () => {
      const { root } = examine();
      return root === undefined || hasDoubles(root) ? undefined : root.value;
    },
    examine,
    positionAt: (offset) => positionAt(text, offset),
  };
}

function examine(text: string, { contents, errors, warnings }: Document.Parsed): Examination {
  if (errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) {
    return tooDeep;
  }
  const found: SourceError[] = [...errors, ...warnings].map(({ pos, message }) => ({
    offset: Math.min(pos[0], text.length),
    // A piece of the text may follow the colon, and in the text there may be secrets.
    message: `is no YAML: ${message.replace(/: .*/s, "")}`,
  }));
  const root =
    contents === null || found.length > 0 ? undefined : nodeOf(contents, new Map(), found);
  return root === undefined || found.length > 0
    ? { errors: firstOfEachLine(text, found) }
    : { root, errors: [] };
}

function nodeOf(
  node: ParsedNode,
  anchors: Map<string, SourceNode>,
  errors: SourceError[],
): SourceNode {
  const offset = node.range[0];
  if (isAlias(node)) {
    const target = anchors.get(node.source);
    if (target === undefined) {
      errors.push({ offset, message: "is an alias of nothing that is complete before it" });
    }
    return target ?? { offset, value: null };
  }
  const result = newNodeOf(node, anchors, errors);
  if (node.anchor !== undefined) {
    anchors.set(node.anchor, result);
  }
  return result;
}

function newNodeOf(
  node: ParsedNode,
  anchors: Map<string, SourceNode>,
  errors: SourceError[],
): SourceNode {
  const offset = node.range[0];
  if (isSeq<ParsedNode>(node)) {
    const items = node.items.map((item) => nodeOf(item, anchors, errors));
    return { offset, value: items.map(({ value }) => value), items };
  }
  if (isMap<ParsedNode, ParsedNode | null>(node)) {
    const members = node.items.map(({ key, value }): SourceMember => {
      const offset = key.range[0];
      return {
        name: String(key),
        offset,
        node: value === null ? { offset, value } : nodeOf(value, anchors, errors),
      };
    });
    const value = Object.fromEntries(members.map(({ name, node }) => [name, node.value]));
    return { offset, value, members };
  }
  return { offset, value: "value" in node ? node.value : null };
}
