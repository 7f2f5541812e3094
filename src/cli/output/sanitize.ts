/**
 * Returns `text` as a single line that is safe to print on a terminal. Whitespace
 * collapses to single spaces. Control characters (C0 and C1, so no escape
 * sequences either) and the characters that override the direction of text (bidi
 * controls) become U+FFFD.
 *
 * Use it for every string that comes from outside, such as from a server.
 */
export function sanitize(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}
