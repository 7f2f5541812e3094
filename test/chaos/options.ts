import { parseArgs } from "node:util";

/** The options of a run. */
export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
}

const usage = `usage: npm run chaos -- [--seconds N] [--seed N]

  --seconds N  how long it runs, from 30 to 600 (default: 300)
  --seed N     repeats the choices of an earlier run (default: a random seed)
`;

/** Reads the options of the command line. Exits with usage if they are wrong. */
export function readOptions(args: readonly string[]): ChaosOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seconds: { type: "string", default: "300" },
        seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    return {
      seconds: wholeNumber("--seconds", values.seconds, 30, 600),
      seed: wholeNumber("--seed", values.seed, 0, 2 ** 31 - 1),
    };
  } catch (error) {
    process.stderr.write(`chaos: ${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

function wholeNumber(option: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw new Error(`${option} must be a whole number from ${minimum} to ${maximum}`);
  }
  return value;
}
