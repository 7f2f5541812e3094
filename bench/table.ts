import type { Goal, Outcome, Sample, Unit } from "./contest.ts";
import { ratios, type Summary, summarise } from "./statistics.ts";

const times: Unit = { name: "×", digits: 2 };

/** A Markdown table of what is held against what: medians, and ratios with the least and the greatest. */
export function comparisonTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ what, unit, samples, comparisons }) =>
    comparisons.map(({ of, against, goal }) => {
      const ours = valuesOf(samples[of]);
      const theirs = against === undefined ? undefined : valuesOf(samples[against]);
      const ratio = theirs && summarise(ratios(ours, theirs));
      return [
        what,
        of,
        withUnit(summarise(ours).median, unit),
        against ?? "",
        theirs === undefined ? "" : withUnit(summarise(theirs).median, unit),
        ratio === undefined ? "" : `**${number(ratio.median, times)} ×** ${spread(ratio, times)}`,
        goal === undefined ? "" : goalText(goal, ratio === undefined ? unit : times),
        goal === undefined ? "" : verdict(goal, (ratio ?? summarise(ours)).median),
      ];
    }),
  );
  return markdown(["", "subject", "", "against", "", "ratio", "goal", ""], rows);
}

/** A Markdown table of what each subject did by itself, and how busy that kept the cores. */
export function subjectTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ what, unit, samples }) =>
    Object.entries(samples).map(([name, ofSubject]) => {
      const summary = summarise(valuesOf(ofSubject));
      return [
        what,
        name,
        `${withUnit(summary.median, unit)} ${spread(summary, unit)}`,
        share(ofSubject.map(({ busy }) => busy?.server ?? Number.NaN)),
        share(ofSubject.map(({ busy }) => busy?.load ?? Number.NaN)),
      ];
    }),
  );
  return markdown(["", "subject", "", "server's core", "load's core"], rows);
}

function valuesOf(samples: readonly Sample[] = []): number[] {
  return samples.map(({ value }) => value);
}

function verdict(goal: Goal, value: number): string {
  const isMet = "atLeast" in goal ? value >= goal.atLeast : value <= goal.atMost;
  return isMet ? "met" : "**missed**";
}

function goalText(goal: Goal, { name }: Unit): string {
  return "atLeast" in goal ? `≥ ${goal.atLeast} ${name}` : `≤ ${goal.atMost} ${name}`;
}

function withUnit(value: number, unit: Unit): string {
  return `${number(value, unit)} ${unit.name}`;
}

function spread({ min, max }: Summary, unit: Unit): string {
  return `(${number(min, unit)}–${number(max, unit)})`;
}

function share(values: readonly number[]): string {
  const { median } = summarise(values);
  return Number.isNaN(median) ? "" : `${Math.round(median * 100)} %`;
}

function number(value: number, { digits }: Unit): string {
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
