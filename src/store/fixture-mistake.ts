import type { Position } from "./source-document.ts";

/** Something wrong in a file that should hold fixtures. */
export interface FixtureMistake extends Partial<Position> {
  /** The path of the file, as it was given or found below a folder that was given. */
  readonly file: string;
  /**
   * The field, in JSON spelling: `runner.status.capabilities[2]`. Not there when
   * it is the document or the file that is wrong.
   */
  readonly field?: string;
  /** What is wrong and what should be there instead. Never quotes a secret. */
  readonly message: string;
  /** The id of the rule that is broken, as Protovalidate names it. Not there when no rule is. */
  readonly ruleId?: string;
}

/** Says a mistake in a line: `file:line:column: field: message [rule]`. */
export function describeMistake(mistake: FixtureMistake): string {
  const { file, line, column, field, message, ruleId } = mistake;
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  const rule = ruleId === undefined ? "" : ` [${ruleId}]`;
  return `${place}: ${field === undefined ? "" : `${field}: `}${message}${rule}`;
}

/** Files that should hold fixtures do not. Its message has a line for each mistake. */
export class FixtureError extends Error {
  override readonly name = "FixtureError";
  /** All mistakes in all files. */
  readonly mistakes: readonly FixtureMistake[];

  constructor(mistakes: readonly FixtureMistake[]) {
    super(mistakes.map(describeMistake).join("\n"));
    this.mistakes = mistakes;
  }
}
