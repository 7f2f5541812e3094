import { ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";

/** Waits for a call to fail and returns its ConnectError. */
export async function errorOf(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}
