import { RunnerService } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { isLoopback } from "../../client/base-url.ts";
import { isSafe } from "../../runner/sanitize.ts";
import type { Connection, Token } from "../connection.ts";

/**
 * Returns the curl command that makes the same call as `runnerctl get`, for a POSIX shell. It
 * refers to the token by its variable or file, and never contains its value. Without a token, it
 * refers to `ONA_API_KEY`, except for servers on this machine, which often need none.
 */
export function formatCurlCommand(
  { baseUrl, token }: Connection,
  runnerId: string,
  timeoutMs: number,
): string {
  const { name: method, parent: service } = RunnerService.method.getRunner;
  const url = `${baseUrl.href.replace(/\/$/, "")}/${service.typeName}/${method}`;
  const tokenReference = formatToken(token) ?? (isLoopback(baseUrl) ? undefined : "$ONA_API_KEY");
  return [
    `curl --max-time ${timeoutMs / 1000}`,
    "-H 'Content-Type: application/json'",
    "-H 'Connect-Protocol-Version: 1'",
    ...(tokenReference === undefined ? [] : [`-H "Authorization: Bearer ${tokenReference}"`]),
    `-d ${quoteForShell(JSON.stringify({ runnerId }))}`,
    quoteForShell(url),
  ].join(" ");
}

/** Returns an expansion of the shell for the token, to be used within double quotes. */
function formatToken(token: Token | undefined): string | undefined {
  if (token?.file !== undefined) {
    return `$(cat ${quoteForShell(token.file)})`;
  }
  return token && `$${token.variable}`;
}

/**
 * Quotes a word for a shell, unless it needs no quotes. Control and format characters, which must
 * not reach a terminal, are escaped; shells before POSIX.1-2024 may not support that.
 */
function quoteForShell(word: string): string {
  if (/^[\w./:@%+,-]+$/.test(word)) {
    return word;
  }
  if (isSafe(word) && !/\p{C}/u.test(word)) {
    return `'${word.replaceAll("'", "'\\''")}'`;
  }
  const escaped = [...Buffer.from(word)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[\x20-\x7e]/.test(character)
      ? character.replace(/['\\]/, "\\$&")
      : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `$'${escaped.join("")}'`;
}
