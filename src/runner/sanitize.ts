/** Most text is printable ASCII and line feeds, which this finds out fast. */
const notPlain = /[^\n -~]/;

/**
 * Returns `text` as a single line that is safe to print on a terminal. Line breaks and tabs become
 * spaces. Control characters, bidi controls and other invisible characters become U+FFFD.
 *
 * Use it for every text from outside that is printed as text: from a server, a file, a request, an
 * argument or the environment. For JSON, use {@link sanitizeJson}.
 */
export function sanitize(text: string): string {
  return replaceUnsafe(text, () => "\ufffd")
    .replace(/[^\S ]+/g, " ")
    .trim();
}

/**
 * Escapes the characters in JSON that are not safe to print on a terminal. The parsed value stays
 * the same.
 */
export function sanitizeJson(json: string): string {
  return replaceUnsafe(json, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/**
 * Replaces the characters in `text` that are not safe to print on a terminal. Tabs and line breaks
 * are kept.
 */
export function replaceUnsafe(text: string, replace: (character: string) => string): string {
  return notPlain.test(text) ? text.replace(createUnsafePattern(), replace) : text;
}

/** Returns whether a text is safe to print on a terminal, except for tabs and line breaks in it. */
export function isSafe(text: string): boolean {
  return !notPlain.test(text) || text.search(createUnsafePattern()) === -1;
}

/**
 * Creates a pattern for the characters that must not reach a terminal as they are:
 *
 * - control characters: C0 (so no escape sequences), DEL and C1, except whitespace
 * - line and paragraph separators, and unpaired surrogates
 * - invisible characters, including all that override the direction of text (bidi controls)
 *
 * Zero-width joiners, non-joiners and variation selectors are invisible too, but emoji and several
 * scripts need them. They match where they have no effect, such as between Latin letters, and only
 * make two names look the same.
 *
 * A function, because creating the pattern takes longer than printing a runner.
 */
function createUnsafePattern(): RegExp {
  return /[[\p{Cc}--[\t\n\r]]\p{Zl}\p{Zp}\p{Cs}\ufff9-\ufffb[\p{DI}--[\u200c\u200d\p{Variation_Selector}]]]|(?<![[[\p{L}\p{M}\p{Emoji}]--[\p{ASCII}\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Inherited}]]\ufe0f])(?!\ufe0f\u20e3)[\u200c\u200d\p{Variation_Selector}]/gv;
}
