import { ConnectError } from "@connectrpc/connect";
import type { HttpClient } from "../../client/http-client.ts";
import { sanitize } from "../../runner/sanitize.ts";
import { writeError } from "./standard-error.ts";

/** The headers whose values authenticate the caller or the server. */
const secretHeaders = /^((proxy-)?authorization|(set-)?cookie)$/;

/**
 * Wraps an HTTP client so that it writes requests and responses to standard error, each at once
 * so that those of concurrent calls do not mix. Lines of a request start with `>`, lines of a
 * response with `<`, as in curl.
 *
 * Credentials are redacted. Bodies of responses are left out, because they contain secrets.
 */
export function withHttpLog(httpClient: HttpClient): HttpClient {
  // All attempts of a call share its signal.
  const attempts = new WeakMap<AbortSignal, number>();
  let requests = 0;
  return async (request) => {
    const number = ++requests;
    const attempt = (attempts.get(request.signal) ?? 0) + 1;
    attempts.set(request.signal, attempt);
    const { method, url, header, body } = request;
    writeLines(">", [
      `${method} ${url} (request ${number}, attempt ${attempt})`,
      ...formatHeader(header),
      ...(typeof body === "string" ? [body] : []),
    ]);
    const startedAt = performance.now();
    const elapsed = () => `request ${number}, ${Math.round(performance.now() - startedAt)} ms`;
    try {
      const response = await httpClient(request);
      writeLines("<", [
        `HTTP ${response.status} (${elapsed()}, ${response.body.length} bytes)`,
        ...formatHeader(response.header),
      ]);
      return response;
    } catch (error) {
      writeLines("<", [`${ConnectError.from(error).rawMessage} (${elapsed()})`]);
      throw error;
    }
  };
}

function formatHeader(header: Iterable<[name: string, value: string]>): string[] {
  return [...header].map(([name, value]) => {
    const lowerName = name.toLowerCase();
    return `${lowerName}: ${secretHeaders.test(lowerName) ? "[redacted]" : value}`;
  });
}

function writeLines(prefix: string, lines: readonly string[]): void {
  writeError(lines.map((line) => `${prefix} ${sanitize(line)}\n`).join(""));
}
