import { Code, ConnectError } from "@connectrpc/connect";
import { FixtureError } from "../../fixture/fixture-diagnostic.ts";
import { sanitize } from "../../runner/sanitize.ts";
import { describeCallError } from "./request-id.ts";

/** What to do about an error, unless its message names an option of `runnerctl` itself. */
const hints: Partial<Record<Code, string>> = {
  [Code.Unauthenticated]: "set ONA_API_KEY, or pass a file with the token with --token-file",
  [Code.PermissionDenied]: "use a token that has access to this runner",
  [Code.Unavailable]: "check --base-url (or ONA_BASE_URL), or try again later",
  [Code.DeadlineExceeded]: "raise --timeout",
};

/**
 * Formats an error as text: what went wrong, and what to do. The text is safe to
 * print on a terminal. It is a single line, but has one for each diagnostic of a
 * FixtureError. An error of a call has its code, its request ID and the rule
 * violations from its
 * details.
 */
export async function formatError(error: unknown): Promise<string> {
  if (error instanceof FixtureError) {
    const isAcceptable = error.diagnostics.every(({ isAcceptable = false }) => isAcceptable);
    return isAcceptable ? `${error.message}\nwith --lenient, these are warnings` : error.message;
  }
  if (!(error instanceof ConnectError)) {
    return sanitize(error instanceof Error ? error.message : String(error));
  }
  const hint = / --[a-z]/.test(error.rawMessage) ? undefined : hints[error.code];
  const parts = [describeCallError(error), ...(await formatViolations(error)), hint];
  return sanitize(parts.filter((part) => part !== undefined).join("; "));
}

/** Returns the violations that the message of the error does not already contain. */
async function formatViolations(error: ConnectError): Promise<string[]> {
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
