import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { findTokenFault } from "./bearer-token.ts";

/** A watched file of bearer tokens. */
export interface TokenFile {
  /** The current tokens. If the file can no longer be read, the last ones that were read. */
  readonly tokens: readonly string[];
  /** Stops watching. */
  close(): void;
  /** The same as `close()`, for `using`. */
  [Symbol.dispose](): void;
}

/**
 * How often the file is polled, in milliseconds. Polling also detects that a file is replaced, which
 * is how secrets mounted into a container change.
 */
const intervalMs = 2000;

/**
 * Opens a file of bearer tokens, one per line, and watches it. Blank lines and lines that start with
 * `#` are ignored.
 *
 * After each change, `onChange` is called with the current tokens. If the file can no longer be read
 * or is not valid, it is called with the previous tokens and the error.
 *
 * Rejects if the file cannot be read at first, contains no tokens, or contains one that cannot be
 * sent. The error names the line, and never a token.
 */
export async function openTokenFile(
  path: string,
  onChange: (tokens: readonly string[], error?: unknown) => void,
): Promise<TokenFile> {
  let tokens: readonly string[] = [];
  const reload = async () => {
    try {
      tokens = await readTokens(path);
      onChange(tokens);
    } catch (error) {
      onChange(tokens, error);
    }
  };
  // Watch before the first read, so that no change between the two is missed.
  watchFile(path, { interval: intervalMs, persistent: false }, reload);
  try {
    tokens = await readTokens(path);
  } catch (error) {
    unwatchFile(path, reload);
    throw error;
  }
  const close = () => unwatchFile(path, reload);
  return {
    get tokens() {
      return tokens;
    },
    close,
    [Symbol.dispose]: close,
  };
}

async function readTokens(path: string): Promise<string[]> {
  const lines = (await readFile(path, "utf8")).split("\n").map((line) => line.trim());
  const isToken = (line: string) => line !== "" && !line.startsWith("#");
  for (const [index, line] of lines.entries()) {
    const fault = isToken(line) ? findTokenFault(line) : undefined;
    if (fault !== undefined) {
      throw new Error(`${path}:${index + 1}: the token ${fault}`);
    }
  }
  const tokens = lines.filter(isToken);
  if (tokens.length === 0) {
    throw new Error(`${path}: contains no tokens; put one on each line`);
  }
  return tokens;
}
