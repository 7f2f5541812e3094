import type { Logger } from "pino";
import { Counter, type Registry } from "prom-client";
import type { OnRejection, Rejection, RejectionReason } from "../http/rejection.ts";
import { warnOfLogFailure } from "./log-failure.ts";

/** What the log says about a rejection, and what an operator can do about it. */
const messages: Record<RejectionReason, string> = {
  unknown_path: "unknown path",
  wrong_method: "HTTP method not supported",
  unknown_expectation: "expectation not supported",
  invalid_host: "the host is missing, ambiguous or invalid",
  forbidden_host:
    "without tokens, only loopback hosts are accepted; set tokens with --token, or use --allow-unauthenticated",
  forbidden_origin:
    "a web page of this origin may not call the server; allow it with --cors-origin",
  malformed_request: "malformed HTTP",
  headers_too_large: "the headers are too large; the limit is --max-header-bytes",
  request_timeout:
    "the request did not arrive in time; the limits are --headers-timeout and --request-timeout",
  stalled_response:
    "a client did not read a response in time and was disconnected; the limit is --request-timeout",
  http2_error: "error in the HTTP/2 connection",
  tls_handshake: "the TLS handshake failed",
  tls_without_certificate:
    "a client uses TLS, but the server has no certificate; set --tls-cert and --tls-key",
  too_many_connections: "too many connections; the limit is --max-connections",
};

/** The maximum number of log lines per second for rejections with the same reason. */
const maxLinesPerSecond = 10;

/** Longer values are truncated in the log. */
const maxValueLength = 300;

/**
 * Creates an observer that counts rejections in `registry`, and logs them to `logger`: a few per
 * second with one line each, all others as a number.
 */
export function createRejectionObserver(logger: Logger, registry: Registry): OnRejection {
  const counter = new Counter({
    name: "runner_server_rejections_total",
    help: "Number of requests and connections that were rejected before they became calls, by reason.",
    labelNames: ["reason"],
    registers: [registry],
  });
  const logs = new Map<RejectionReason, OnRejection>();
  for (const reason of Object.keys(messages) as RejectionReason[]) {
    counter.inc({ reason }, 0);
    logs.set(reason, createRateLimitedLog(logger, reason));
  }
  return (rejection) => {
    counter.inc({ reason: rejection.reason });
    logs.get(rejection.reason)?.(rejection);
  };
}

function createRateLimitedLog(logger: Logger, reason: RejectionReason): OnRejection {
  const message = messages[reason];
  // Not the fault of a client, unlike the others.
  const level = reason === "too_many_connections" ? "warn" : "info";
  let startedAt = 0;
  let lines = 0;
  let suppressed = 0;

  function log(fields: object, text: string): void {
    try {
      logger[level](fields, text);
    } catch (error) {
      warnOfLogFailure(error);
    }
  }

  function logSuppressed(): void {
    log({ reason, suppressed }, `${message} (${suppressed} more)`);
    suppressed = 0;
  }

  return (rejection) => {
    const now = performance.now();
    if (now - startedAt >= 1000) {
      startedAt = now;
      lines = 0;
    }
    lines += 1;
    if (lines <= maxLinesPerSecond) {
      log(truncateValues(rejection), message);
      return;
    }
    suppressed += 1;
    if (suppressed === 1) {
      setTimeout(logSuppressed, startedAt + 1000 - now).unref();
    }
  };
}

function truncateValues(rejection: Rejection): Record<string, unknown> {
  const truncated = Object.entries(rejection).map(([name, value]) => [
    name,
    typeof value === "string" && value.length > maxValueLength
      ? `${value.slice(0, maxValueLength)}…`
      : value,
  ]);
  return Object.fromEntries(truncated);
}
