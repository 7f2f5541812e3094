import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { type Call, callKey } from "./call.ts";
import { warnOfLogFailure } from "./log-failure.ts";
import type { ServerMetrics } from "./metrics.ts";

/** Observes every call, from its request headers to the end of its response. */
export interface CallObserver {
  /**
   * Starts to observe a call. `startedAt` is the `performance.now()` at its start; the default is
   * now. Call the returned function with the call's code when it ends.
   */
  begin(call: Call, startedAt?: number): (code: string) => void;
  /** Records the requested runner id. Must be the outermost interceptor. */
  readonly interceptor: Interceptor;
}

/** Creates an observer that logs one line per call to `logger`, and updates `metrics`. */
export function createCallObserver(logger: Logger, metrics: ServerMetrics): CallObserver {
  return {
    begin(call, startedAt = performance.now()) {
      metrics.begin();
      return (code) => {
        const durationMs = performance.now() - startedAt;
        metrics.end(call.protocol, call.method, code, durationMs / 1000);
        try {
          logCall(logger, call, code, durationMs);
        } catch (error) {
          warnOfLogFailure(error);
        }
      };
    },
    interceptor: (next) => (request) => {
      const call = request.contextValues.get(callKey);
      if (call !== undefined && !request.stream && "runnerId" in request.message) {
        call.runnerId = String(request.message.runnerId);
      }
      return next(request);
    },
  };
}

function logCall(logger: Logger, call: Call, code: string, durationMs: number): void {
  const { requestId, protocol, method, runnerId, error } = call;
  if (error === undefined && !logger.isLevelEnabled("info")) {
    return;
  }
  const line = {
    requestId,
    protocol,
    method,
    ...(runnerId !== undefined && { runnerId: runnerId.slice(0, maxRunnerIdLength) }),
    code,
    durationMs: Math.round(durationMs * 1000) / 1000,
  };
  if (isServerFault(error)) {
    logger.error({ ...line, err: causeOf(error) }, `${method} ${code}`);
  } else {
    logger.info(line, `${method} ${code}`);
  }
}

/** Longer ids are truncated in the log. A UUID has 36 characters, but callers can send anything. */
const maxRunnerIdLength = 64;

/** Returns whether the operator of the server should know about an error. */
function isServerFault(error: unknown): boolean {
  if (error === undefined) {
    return false;
  }
  const code = error instanceof ConnectError ? error.code : Code.Internal;
  return [Code.Internal, Code.Unknown, Code.DataLoss, Code.Unavailable].includes(code);
}

/** Returns the cause of a ConnectError, which has details that the caller must not see. */
function causeOf(error: unknown): unknown {
  return error instanceof ConnectError ? (error.cause ?? error) : error;
}
