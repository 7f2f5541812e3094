import { Session } from "node:inspector/promises";

/** Self times as shares of the process's busy time, by function name and location. */
export type SelfTimes = Readonly<Record<string, number>>;

/** The sampling interval of V8's profiler, in microseconds. */
const samplingInterval = 200;

/** Profiles this process for `ms` milliseconds. */
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
      `${functionName || "(anonymous)"} ${formatLocation(url, lineNumber + 1)}`.trim(),
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

/** Formats a location in the code with the last two segments of its path. */
function formatLocation(url: string, line: number): string {
  return url === "" ? "" : `${url.split("/").slice(-2).join("/")}:${line}`;
}
