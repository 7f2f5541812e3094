import { Code, ConnectError } from "@connectrpc/connect";

/** Returns the error of a call whose caller disconnected before it was answered. */
export function callerDisconnected(): ConnectError {
  return new ConnectError("the caller disconnected", Code.Canceled);
}
