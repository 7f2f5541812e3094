import { Code, ConnectError } from "@connectrpc/connect";

/** Returns the error of a call whose caller disconnected before the response. */
export function callerDisconnected(): ConnectError {
  return new ConnectError("the caller disconnected", Code.Canceled);
}
