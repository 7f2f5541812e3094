import type { Busy, Goal, Outcome, Sample, Unit } from "./contest.ts";
import { ratios, type Summary, summarise } from "./statistics.ts";

const times: Unit = { name: "×", digits: 2 };

/** A Markdown table of what is held against what: medians, and ratios with the least and the greatest. */
export function comparisonTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ what, unit, subject, samples, comparisons }) =>
    comparisons.map(({ of, against, goal }) => {
      const ours = samples[of] ?? [];
      const value = summarise(ours.map(valueIn));
      const verdictOn = (summary: Summary, unit: Unit) =>
        goal === undefined ? ["", ""] : [goalText(goal, unit), verdict(goal, summary.median)];
      if (against === undefined) {
        return [what, of, withUnit(value.median, unit), "", "", "", "", ...verdictOn(value, unit)];
      }
      const theirs = samples[against] ?? [];
      const ratio = summarise(ratios(ours.map(valueIn), theirs.map(valueIn)));
      const byCpu =
        subject &&
        summarise(ratios(ours.map(valueByCpu(subject)), theirs.map(valueByCpu(subject))));
      return [
        what,
        of,
        withUnit(value.median, unit),
        against,
        withUnit(summarise(theirs.map(valueIn)).median, unit),
        withSpread(ratio, times),
        byCpu === undefined ? "" : withSpread(byCpu, times),
        ...verdictOn(ratio, times),
      ];
    }),
  );
  const header = [
    "measured",
    "subject",
    "",
    "against",
    "",
    "ratio",
    "by CPU time",
    "goal",
    "is it met",
  ];
  return markdown(header, rows);
}

/** A Markdown table of what each subject did by itself, and how busy that kept the cores. */
export function subjectTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ what, unit, samples }) =>
    Object.entries(samples).map(([name, ofSubject]) => [
      what,
      name,
      withSpread(summarise(ofSubject.map(valueIn)), unit),
      share(ofSubject.map(({ busy }) => busy?.server ?? Number.NaN)),
      share(ofSubject.map(({ busy }) => busy?.load ?? Number.NaN)),
    ]),
  );
  return markdown(["measured", "subject", "", "server's core", "load's core"], rows);
}

function valueIn({ value }: Sample): number {
  return value;
}

/** Calls in each second that the subject's process had a core to itself. */
function valueByCpu(subject: keyof Busy): (sample: Sample) => number {
  return ({ value, busy }) => value / (busy?.[subject] ?? Number.NaN);
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

function withSpread({ median, min, max }: Summary, unit: Unit): string {
  return `${withUnit(median, unit)} (${number(min, unit)}–${number(max, unit)})`;
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

/** A table in Markdown. */
export function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
