import type { ConnectError } from "@connectrpc/connect";

/** Longer IDs are cut off: they are of no use to anyone. */
const maxLength = 128;

/** Returns the request ID of the response that the error came with, if the server sent one. */
export function requestIdOf({ metadata }: ConnectError): string | undefined {
  return metadata.get("X-Request-Id")?.slice(0, maxLength) || undefined;
}

/** Returns the message of a failed call with its code and, if the server sent one, its request ID. */
export function describeCallError(error: ConnectError): string {
  return `${error.message}${formatRequestId(requestIdOf(error))}`;
}

/** Returns a request ID in the form in which it is added to error messages. */
export function formatRequestId(requestId: string | null | undefined): string {
  return requestId ? ` (request id ${requestId})` : "";
}
