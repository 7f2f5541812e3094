import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { type Call, callKey } from "./call.ts";
import type { ServerMetrics } from "./metrics.ts";

/** Sees every call from its headers to the end of its response. */
export interface CallObserver {
  /**
   * A call begins, or began at `startedAt`, a time of `performance.now()`. The function that is
   * returned is to be called with its code when it has ended.
   */
  begin(call: Call, startedAt?: number): (code: string) => void;
  /** Sees what is asked for. The outermost of the interceptors. */
  readonly interceptor: Interceptor;
}

/** Creates an observer that writes one line a call to `logger`, and counts calls in `metrics`. */
export function createCallObserver(logger: Logger, metrics: ServerMetrics): CallObserver {
  return {
    begin(call, startedAt = performance.now()) {
      metrics.begin();
      return (code) => {
        const durationMs = performance.now() - startedAt;
        metrics.end(call.protocol, call.method, code, durationMs / 1000);
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
        if (isOurFault(error)) {
          logger.error({ ...line, err: causeOf(error) }, `${method} ${code}`);
        } else {
          logger.info(line, `${method} ${code}`);
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

/** As much of an id as the log takes: a UUID is 36 characters long, and no id need be one. */
const maxRunnerIdLength = 64;

/** Whether an error is one that whoever runs the server has to know about. */
function isOurFault(error: unknown): boolean {
  if (error === undefined) {
    return false;
  }
  const code = error instanceof ConnectError ? error.code : Code.Internal;
  return [Code.Internal, Code.Unknown, Code.DataLoss, Code.Unavailable].includes(code);
}

/** The error behind a ConnectError, which says more than the caller may know. */
function causeOf(error: unknown): unknown {
  return error instanceof ConnectError ? (error.cause ?? error) : error;
}
