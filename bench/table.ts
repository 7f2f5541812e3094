import type { BenchmarkResult, CpuUsage, Goal, Sample, Unit } from "./benchmark.ts";
import { ratios, type Summary, summarize } from "./statistics.ts";

const times: Unit = { name: "×", digits: 2 };

/** Formats comparisons as a Markdown table: medians, and ratios with minimum and maximum. */
export function formatComparisons(results: readonly BenchmarkResult[]): string {
  const rows = results.flatMap(({ what, unit, subject, samples, comparisons }) =>
    comparisons.map(({ of, against, goal }) => {
      const ours = samples[of] ?? [];
      const value = summarize(ours.map(getValue));
      const goalCells = (summary: Summary, unit: Unit) =>
        goal === undefined ? ["", ""] : [formatGoal(goal, unit), formatVerdict(goal, summary)];
      if (against === undefined) {
        const cell = formatValue(value.median, unit);
        return [what, of, cell, "", "", "", "", ...goalCells(value, unit)];
      }
      const theirs = samples[against] ?? [];
      const ratio = summarize(ratios(ours.map(getValue), theirs.map(getValue)));
      const byCpu =
        subject &&
        summarize(ratios(ours.map(getValuePerCpu(subject)), theirs.map(getValuePerCpu(subject))));
      return [
        what,
        of,
        formatValue(value.median, unit),
        against,
        formatValue(summarize(theirs.map(getValue)).median, unit),
        formatSummary(ratio, times),
        byCpu === undefined ? "" : formatSummary(byCpu, times),
        ...goalCells(ratio, times),
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
    "result",
  ];
  return formatTable(header, rows);
}

/** Formats the values of every subject, and the CPU usage, as a Markdown table. */
export function formatSubjects(results: readonly BenchmarkResult[]): string {
  const rows = results.flatMap(({ what, unit, samples }) =>
    Object.entries(samples).map(([name, ofSubject]) => [
      what,
      name,
      formatSummary(summarize(ofSubject.map(getValue)), unit),
      formatShare(ofSubject.map(({ cpu }) => cpu?.server ?? Number.NaN)),
      formatShare(ofSubject.map(({ cpu }) => cpu?.load ?? Number.NaN)),
    ]),
  );
  return formatTable(["measured", "subject", "", "server's core", "load's core"], rows);
}

function getValue({ value }: Sample): number {
  return value;
}

/** Returns the value per second of CPU time of the subject's process. */
function getValuePerCpu(subject: keyof CpuUsage): (sample: Sample) => number {
  return ({ value, cpu }) => value / (cpu?.[subject] ?? Number.NaN);
}

function formatVerdict(goal: Goal, { median }: Summary): string {
  const isMet = "atLeast" in goal ? median >= goal.atLeast : median <= goal.atMost;
  return isMet ? "met" : "**missed**";
}

function formatGoal(goal: Goal, { name }: Unit): string {
  return "atLeast" in goal ? `≥ ${goal.atLeast} ${name}` : `≤ ${goal.atMost} ${name}`;
}

function formatValue(value: number, unit: Unit): string {
  return `${formatNumber(value, unit)} ${unit.name}`;
}

function formatSummary({ median, min, max }: Summary, unit: Unit): string {
  return `${formatValue(median, unit)} (${formatNumber(min, unit)}–${formatNumber(max, unit)})`;
}

function formatShare(values: readonly number[]): string {
  const { median } = summarize(values);
  return Number.isNaN(median) ? "" : `${Math.round(median * 100)} %`;
}

function formatNumber(value: number, { digits }: Unit): string {
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** Formats a Markdown table. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [header, header.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
