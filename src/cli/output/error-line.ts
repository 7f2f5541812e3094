import { Code, ConnectError } from "@connectrpc/connect";
import { sanitize } from "./rows.ts";

/** What to do about an error, where that is not plain from its message. */
const advice: Partial<Record<Code, string>> = {
  [Code.Unauthenticated]: "set ONA_API_KEY, or give a file with the token by --token-file",
  [Code.PermissionDenied]: "use a token that may see this runner",
  [Code.Unavailable]: "check --base-url, or try again later",
  [Code.DeadlineExceeded]: "allow more time with --timeout",
};

/**
 * Says in words for people what went wrong, and what to do. An error of a call
 * takes one line, with its code and the rules that the server says are broken.
 */
export async function formatError(error: unknown): Promise<string> {
  if (!(error instanceof ConnectError)) {
    return error instanceof Error ? error.message : String(error);
  }
  const parts = [error.message, ...(await brokenRules(error)), advice[error.code]];
  return sanitize(parts.filter((part) => part !== undefined).join("; "));
}

/** The rules that the message does not tell already. */
async function brokenRules(error: ConnectError): Promise<string[]> {
  if (error.code !== Code.InvalidArgument) {
    return [];
  }
  const { ViolationsSchema } = await import("../../../gen/buf/validate/validate_pb.ts");
  return error
    .findDetails(ViolationsSchema)
    .flatMap(({ violations }) => violations)
    .filter(({ message }) => !error.rawMessage.includes(message))
    .map(({ field, message }) => {
      const path = field?.elements.map(({ fieldName }) => fieldName).join(".");
      return path ? `${path}: ${message}` : message;
    });
}
