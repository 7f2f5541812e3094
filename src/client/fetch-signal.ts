/**
 * Returns a signal that the platform's fetch accepts and that is aborted when `signal` is.
 *
 * This is `signal` itself, except in test environments such as jsdom: they replace AbortController
 * but not fetch, and the fetch of Node.js accepts only signals of Node.js.
 */
export function fetchSignal(signal: AbortSignal): AbortSignal {
  if (isAccepted(signal)) {
    return signal;
  }
  const util = globalThis.process?.getBuiltinModule?.("node:util");
  // The only way to an AbortController of Node.js that does not depend on the globals.
  const controller = util?.transferableAbortController?.();
  if (controller === undefined) {
    return signal;
  }
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) {
    onAbort();
  }
  signal.addEventListener("abort", onAbort);
  return controller.signal;
}

/** Whether fetch accepts signals, by their class. */
const acceptedByClass = new WeakMap<object, boolean>();

function isAccepted(signal: AbortSignal): boolean {
  let result = acceptedByClass.get(signal.constructor);
  if (result === undefined) {
    try {
      new Request("http://localhost", { signal });
      result = true;
    } catch {
      result = false;
    }
    acceptedByClass.set(signal.constructor, result);
  }
  return result;
}
