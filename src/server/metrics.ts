import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What the server counts, in a registry of its own. */
export interface ServerMetrics {
  /** Where the figures are, and further ones can be added. */
  readonly registry: Registry;
  /** A call begins. */
  begin(): void;
  /** A call that began has ended. */
  end(protocol: string, method: string, code: string, seconds: number): void;
}

/** Upper bounds of the duration histogram, in seconds: from a tenth of a millisecond to ten seconds. */
const buckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Creates the figures that every server has, in `registry`. */
export function createServerMetrics(registry: Registry = new Registry()): ServerMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: "runner_server_calls_total",
    help: "Calls that have ended, by protocol, method and Connect code.",
    labelNames: ["protocol", "method", "code"],
    registers,
  });
  const durations = new Histogram({
    name: "runner_server_call_duration_seconds",
    help: "How long calls took, from their headers to the end of the response.",
    labelNames: ["protocol"],
    buckets,
    registers,
  });
  const inFlight = new Gauge({
    name: "runner_server_calls_in_flight",
    help: "Calls under way.",
    registers,
  });
  return {
    registry,
    begin: () => inFlight.inc(),
    end(protocol, method, code, seconds) {
      inFlight.dec();
      calls.inc({ protocol, method, code });
      durations.observe({ protocol }, seconds);
    },
  };
}
