/** A unit, and the number of decimals to print. */
export interface Unit {
  readonly name: string;
  readonly digits: number;
}

/** The CPU usage of two processes, each as a share of one core: 1 is the whole core. */
export interface CpuUsage {
  readonly server: number;
  readonly load: number;
}

/** The result of one round for one subject. */
export interface Sample {
  /** In the unit of the benchmark. */
  readonly value: number;
  /** Default: not measured. */
  readonly cpu?: CpuUsage;
}

/** Measures a subject once. */
export type Measure = () => Promise<Sample>;

/** A goal for the ratio of a comparison or, without `against`, for the value. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** A comparison of one subject with another. */
export interface Comparison<Name> {
  readonly of: Name;
  /** Default: none, the goal is for the value itself. */
  readonly against?: Name;
  /** Default: none, the comparison is only for information. */
  readonly goal?: Goal;
}

interface Description<Name extends string> {
  /** What is measured. */
  readonly what: string;
  readonly unit: Unit;
  /**
   * Which process is the subject. Set it when values are rates: they are then
   * also compared per CPU time of that process. Default: only by value.
   */
  readonly subject?: keyof CpuUsage;
  readonly comparisons: readonly Comparison<Name>[];
}

/** Subjects that are measured in the same way. */
export interface Benchmark<Name extends string> extends Description<Name> {
  readonly rounds: number;
  readonly subjects: Readonly<Record<Name, Measure>>;
}

/** The result of a {@link Benchmark}: the samples of each subject, one per round. */
export interface BenchmarkResult<Name extends string = string> extends Description<Name> {
  readonly samples: Readonly<Record<Name, readonly Sample[]>>;
}

/**
 * Rounds that are not counted. Fewer would be unfair to connect-node, which
 * takes thousands of calls until V8 has compiled all of it.
 */
const warmUpRounds = 4;

/**
 * Runs a benchmark. Each round measures every subject, so that other activity on
 * the machine affects all of them; every other round reverses their order.
 */
export async function runBenchmark<Name extends string>(
  benchmark: Benchmark<Name>,
): Promise<BenchmarkResult<Name>> {
  const { rounds, subjects, ...description } = benchmark;
  const measures = Object.entries(subjects) as [Name, Measure][];
  const samples = {} as Record<Name, Sample[]>;
  for (const [name] of measures) {
    samples[name] = [];
  }
  for (let round = 1 - warmUpRounds; round <= rounds; round++) {
    const step = round < 1 ? "warming up" : `round ${round} of ${rounds}`;
    process.stderr.write(`${description.what}: ${step}\n`);
    for (const [name, measure] of round % 2 === 0 ? measures : measures.toReversed()) {
      const sample = await measure();
      if (round >= 1) {
        samples[name].push(sample);
      }
    }
  }
  return { ...description, samples };
}
