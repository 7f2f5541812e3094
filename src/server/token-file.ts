import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";

/** A file of tokens that is read again whenever it changes. */
export interface TokenFile {
  /** The tokens in it now; if it cannot be read any more, those that were in it last. */
  readonly tokens: readonly string[];
  /** Stops watching. */
  close(): void;
}

/** How often the file is looked at, in milliseconds. Looking also sees it replaced, as secrets mounted into a container are. */
const intervalMs = 500;

/**
 * Reads a file of tokens: one a line; blank lines, and lines that begin with
 * `#`, do not count. Then watches it: each change is told to `onChange`, with
 * the error if the file cannot be read any more or holds no token.
 *
 * Rejects when it cannot be read at first, or holds no token.
 */
export async function openTokenFile(
  path: string,
  onChange: (tokens: readonly string[], error?: unknown) => void,
): Promise<TokenFile> {
  let tokens: readonly string[] = [];
  const look = async () => {
    try {
      tokens = await readTokens(path);
      onChange(tokens);
    } catch (error) {
      onChange(tokens, error);
    }
  };
  // Watched before it is read, so that no change falls between the two.
  watchFile(path, { interval: intervalMs, persistent: false }, look);
  try {
    tokens = await readTokens(path);
  } catch (error) {
    unwatchFile(path, look);
    throw error;
  }
  return {
    get tokens() {
      return tokens;
    },
    close: () => unwatchFile(path, look),
  };
}

async function readTokens(path: string): Promise<string[]> {
  const lines = (await readFile(path, "utf8")).split("\n").map((line) => line.trim());
  const tokens = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (tokens.length === 0) {
    throw new Error(`${path}: contains no tokens; put one on each line`);
  }
  return tokens;
}
