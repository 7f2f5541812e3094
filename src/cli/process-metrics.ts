import { performance } from "node:perf_hooks";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/** The longest delay of a timer, in milliseconds: about 25 days. */
const maxTimerMs = 2 ** 31 - 1;

/** What prom-client measures by waking up the process all the time, a hundred times a second. */
const sampledMetrics = ["min", "max", "mean", "stddev", "p50", "p90", "p99"].map(
  (name) => `nodejs_eventloop_lag_${name}_seconds`,
);

/**
 * Adds metrics of this process to `registry`: those of prom-client, except for those that keep an
 * idle process busy. Instead, there is the utilization of the event loop, which Node.js counts anyway.
 */
export function collectProcessMetrics(registry: Registry): void {
  // prom-client has no option that turns the sampling off, only one for the time between samples.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: maxTimerMs });
  for (const name of sampledMetrics) {
    registry.removeSingleMetric(name);
  }
  let last = performance.eventLoopUtilization();
  new Gauge({
    name: "nodejs_eventloop_utilization",
    help: "Share of the time since the previous scrape in which the event loop was not idle, 0 to 1.",
    registers: [registry],
    collect() {
      const now = performance.eventLoopUtilization();
      this.set(performance.eventLoopUtilization(now, last).utilization);
      last = now;
    },
  });
}
