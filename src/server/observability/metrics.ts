import { Gauge, type Metric, Registry } from "prom-client";

/** The metrics of a server. */
export interface ServerMetrics {
  /** The registry that holds these metrics, and any others registered in it. */
  readonly registry: Registry;
  /** Records the start of a call. */
  begin(): void;
  /** Records the end of a call. */
  end(protocol: string, method: string, code: string, seconds: number): void;
}

/** The upper bounds of the duration histogram's buckets, in seconds: 0.1 ms to 10 s. */
const bucketBounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** The completed calls with the same protocol, method and code. */
interface Tally {
  readonly protocol: string;
  readonly method: string;
  readonly code: string;
  count: number;
  seconds: number;
  /** The number of calls in each bucket, not cumulative; the last bucket is unbounded. */
  readonly bucketCounts: number[];
}

/**
 * Creates the metrics of a server in `registry`.
 *
 * Calls are counted in plain numbers, which become metrics only when they are scraped: updating a
 * Counter and a Histogram of prom-client would take as long as serving the call.
 */
export function createServerMetrics(registry: Registry = new Registry()): ServerMetrics {
  const tallies = new Map<string, Tally>();
  let inFlight = 0;
  let last: Tally | undefined;

  function tallyFor(protocol: string, method: string, code: string): Tally {
    // Most calls have the same labels as the previous one.
    if (last?.code === code && last.protocol === protocol && last.method === method) {
      return last;
    }
    const key = `${protocol} ${method} ${code}`;
    let tally = tallies.get(key);
    if (tally === undefined) {
      tally = {
        protocol,
        method,
        code,
        count: 0,
        seconds: 0,
        bucketCounts: [...bucketBounds, Infinity].map(() => 0),
      };
      tallies.set(key, tally);
    }
    last = tally;
    return tally;
  }

  register(registry, "counter", {
    name: "runner_server_calls_total",
    help: "Number of completed calls, by protocol, method and Connect code.",
    values: () =>
      [...tallies.values()].map(({ protocol, method, code, count }) => ({
        labels: { protocol, method, code },
        value: count,
      })),
  });
  register(registry, "histogram", {
    name: "runner_server_call_duration_seconds",
    help: "Duration of calls in seconds, from the request headers to the end of the response.",
    values: () => histogramValues("runner_server_call_duration_seconds", [...tallies.values()]),
  });
  new Gauge({
    name: "runner_server_calls_in_flight",
    help: "Number of calls in progress.",
    registers: [registry],
    collect() {
      this.set(inFlight);
    },
  });

  return {
    registry,
    begin: () => {
      inFlight += 1;
    },
    end(protocol, method, code, seconds) {
      inFlight -= 1;
      const tally = tallyFor(protocol, method, code);
      tally.count += 1;
      tally.seconds += seconds;
      let bucket = 0;
      while (bucket < bucketBounds.length && seconds > (bucketBounds[bucket] ?? 0)) {
        bucket += 1;
      }
      tally.bucketCounts[bucket] = (tally.bucketCounts[bucket] ?? 0) + 1;
    },
  };
}

interface MetricValue {
  readonly labels: Record<string, string | number>;
  readonly value: number;
  readonly metricName?: string;
}

/** Returns the values of a histogram by protocol, with cumulative buckets as Prometheus expects. */
function histogramValues(name: string, tallies: readonly Tally[]): MetricValue[] {
  const byProtocol = Map.groupBy(tallies, ({ protocol }) => protocol);
  return [...byProtocol].flatMap(([protocol, ofProtocol]) => {
    const sum = (value: (tally: Tally) => number) =>
      ofProtocol.reduce((total, tally) => total + value(tally), 0);
    let cumulative = 0;
    const buckets = bucketBounds.map((le, index) => {
      cumulative += sum(({ bucketCounts }) => bucketCounts[index] ?? 0);
      return { metricName: `${name}_bucket`, labels: { protocol, le }, value: cumulative };
    });
    const count = sum((tally) => tally.count);
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { protocol, le: "+Inf" }, value: count },
      { metricName: `${name}_sum`, labels: { protocol }, value: sum((tally) => tally.seconds) },
      { metricName: `${name}_count`, labels: { protocol }, value: count },
    ];
  });
}

/** Registers a metric whose values are computed on each scrape. */
function register(
  registry: Registry,
  type: string,
  metric: { name: string; help: string; values: () => MetricValue[] },
): void {
  const { name, help, values } = metric;
  const get = async () => ({ name, help, type, aggregator: "sum", values: values() });
  // A registry needs only these members, but its type demands one of prom-client's own classes.
  registry.registerMetric({ name, get, reset: () => {} } as unknown as Metric);
}
