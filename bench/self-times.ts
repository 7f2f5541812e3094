import { Session } from "node:inspector/promises";

/** The share of a process's busy time that each function was at work itself, by its name and place. */
export type SelfTimes = Readonly<Record<string, number>>;

/** How often V8 looks at what is at work, in microseconds. */
const samplingInterval = 200;

/** Samples this process for so many milliseconds. */
export async function sampleSelfTimes(ms: number): Promise<SelfTimes> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: samplingInterval });
  await session.post("Profiler.start");
  await new Promise((resolve) => setTimeout(resolve, ms));
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();

  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || "a function"} ${placeOf(url, lineNumber + 1)}`.trim(),
    ]),
  );
  const times = new Map<string, number>();
  let busy = 0;
  profile.samples?.forEach((id, index) => {
    const name = names.get(id) ?? "";
    const time = profile.timeDeltas?.[index] ?? 0;
    if (name !== "(idle)" && !name.includes("node:inspector")) {
      times.set(name, (times.get(name) ?? 0) + time);
      busy += time;
    }
  });
  return Object.fromEntries([...times].map(([name, time]) => [name, time / busy]));
}

/** A place in the code, by the last two parts of its path. */
function placeOf(url: string, line: number): string {
  return url === "" ? "" : `${url.split("/").slice(-2).join("/")}:${line}`;
}
