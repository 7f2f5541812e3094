import { randomBytes } from "node:crypto";

/** The header in which request ids travel, both ways. */
export const requestIdHeader = "x-request-id";

const start = randomBytes(8).toString("hex");
let count = 0;

/**
 * The id of a request: the one that the caller sent, if it is one (up to 128
 * printable ASCII characters, no spaces), and otherwise a new one, unique to
 * this process and unlikely to be another's.
 */
export function requestIdFrom(header: string | string[] | undefined): string {
  if (typeof header === "string" && /^[!-~]{1,128}$/.test(header)) {
    return header;
  }
  count += 1;
  return `${start}-${count.toString(36)}`;
}
