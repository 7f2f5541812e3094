import { Gauge, type Metric, Registry } from "prom-client";

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
const bounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** The calls of one protocol and method that ended with one code. */
interface Tally {
  readonly protocol: string;
  readonly method: string;
  readonly code: string;
  count: number;
  seconds: number;
  /** How many took at most as long as each bound, and longer than the one before; last, the rest. */
  readonly within: number[];
}

/**
 * Creates the figures that every server has, in `registry`.
 *
 * Calls are counted in plain numbers, which become metrics when somebody asks for
 * them: a Counter and a Histogram of prom-client would take as long as answering.
 */
export function createServerMetrics(registry: Registry = new Registry()): ServerMetrics {
  const tallies = new Map<string, Tally>();
  let inFlight = 0;

  let last: Tally | undefined;

  function tallyOf(protocol: string, method: string, code: string): Tally {
    // Most calls end as the one before.
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
        within: [...bounds, Infinity].map(() => 0),
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
    values: () => histogram("runner_server_call_duration_seconds", [...tallies.values()]),
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
      const tally = tallyOf(protocol, method, code);
      tally.count += 1;
      tally.seconds += seconds;
      let bound = 0;
      while (bound < bounds.length && seconds > (bounds[bound] ?? 0)) {
        bound += 1;
      }
      tally.within[bound] = (tally.within[bound] ?? 0) + 1;
    },
  };
}

interface MetricValue {
  readonly labels: Record<string, string | number>;
  readonly value: number;
  readonly metricName?: string;
}

/** The values of a histogram by protocol, each bucket with all that is in the smaller ones. */
function histogram(name: string, tallies: readonly Tally[]): MetricValue[] {
  const byProtocol = Map.groupBy(tallies, ({ protocol }) => protocol);
  return [...byProtocol].flatMap(([protocol, ofProtocol]) => {
    const sum = (value: (tally: Tally) => number) =>
      ofProtocol.reduce((total, tally) => total + value(tally), 0);
    let below = 0;
    const buckets = bounds.map((le, index) => {
      below += sum(({ within }) => within[index] ?? 0);
      return { metricName: `${name}_bucket`, labels: { protocol, le }, value: below };
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

/** Registers a metric whose values are there when they are asked for. */
function register(
  registry: Registry,
  type: string,
  metric: { name: string; help: string; values: () => MetricValue[] },
): void {
  const { name, help, values } = metric;
  const get = async () => ({ name, help, type, aggregator: "sum", values: values() });
  // All that a registry asks of a metric; its type names prom-client's own classes only.
  registry.registerMetric({ name, get, reset: () => {} } as unknown as Metric);
}
