import { randomBytes } from "node:crypto";

/** The header that carries the request id, in requests and responses. */
export const requestIdHeader = "x-request-id";

const processPrefix = randomBytes(8).toString("hex");
let count = 0;

/**
 * Returns the id of a request: the caller's own if it is valid (1 to 128 printable ASCII characters
 * without spaces), otherwise a new one. A new id is unique within this process, and most likely
 * across processes.
 */
export function requestIdFrom(header: string | string[] | undefined): string {
  if (typeof header === "string" && /^[!-~]{1,128}$/.test(header)) {
    return header;
  }
  count += 1;
  return `${processPrefix}-${count.toString(36)}`;
}
