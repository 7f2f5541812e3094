/** A unit of what is measured, and with how many decimals it is written. */
export interface Unit {
  readonly name: string;
  readonly digits: number;
}

/** How busy two processes were, as a share of one core each: 1 is all of it. */
export interface Busy {
  readonly server: number;
  readonly load: number;
}

/** What one round gave for one subject. */
export interface Sample {
  /** In the unit of the contest. */
  readonly value: number;
  /** Where a server is under load. */
  readonly busy?: Busy;
}

/** Measures a subject once. */
export type Measure = () => Promise<Sample>;

/** What a subject has to reach: as a ratio, or in the unit if it is held against nothing. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** A subject that is held against another. */
export interface Comparison<Name> {
  readonly of: Name;
  /** Default: nothing, only the value counts. */
  readonly against?: Name;
  /** Default: none, it is shown for information. */
  readonly goal?: Goal;
}

/** What a contest is about. */
interface Topic<Name extends string> {
  readonly what: string;
  readonly unit: Unit;
  /**
   * Which process is the subject, where values are calls in a time: these are
   * compared by the CPU time of that process, too. Default: they are not.
   */
  readonly subject?: keyof Busy;
  readonly comparisons: readonly Comparison<Name>[];
}

/** Several subjects that are measured in the same way. */
export interface Contest<Name extends string> extends Topic<Name> {
  readonly rounds: number;
  readonly subjects: Readonly<Record<Name, Measure>>;
}

/** The outcome of a {@link Contest}. */
export interface Outcome<Name extends string = string> extends Topic<Name> {
  readonly samples: Readonly<Record<Name, readonly Sample[]>>;
}

/**
 * The rounds that do not count. Fewer would be unjust: it takes thousands of
 * calls until Node.js has compiled all of connect-node.
 */
const warmUps = 4;

/**
 * Holds a contest. In each round every subject is measured, so that whatever
 * else the machine does meets all of them; every other round goes the other way
 * round.
 */
export async function holdContest<Name extends string>(
  contest: Contest<Name>,
): Promise<Outcome<Name>> {
  const { rounds, subjects, ...topic } = contest;
  const measures = Object.entries(subjects) as [Name, Measure][];
  const samples = {} as Record<Name, Sample[]>;
  for (const [name] of measures) {
    samples[name] = [];
  }
  for (let round = 1 - warmUps; round <= rounds; round++) {
    const step = round < 1 ? "warming up" : `round ${round} of ${rounds}`;
    process.stderr.write(`${topic.what}: ${step}\n`);
    for (const [name, measure] of round % 2 === 0 ? measures : measures.toReversed()) {
      const sample = await measure();
      if (round >= 1) {
        samples[name].push(sample);
      }
    }
  }
  return { ...topic, samples };
}
