import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(
  (platform) => `/usr/lib/${platform}/faketime/libfaketimeMT.so.1`,
);

/** The wall clock of the server, by libfaketime. The clock of this machine is never set. */
export interface FakeClock {
  /** The environment of a process that has this clock. */
  readonly env: NodeJS.ProcessEnv;
  /** How far it is ahead, in seconds. */
  readonly offset: number;
  jumpTo(offset: number): void;
}

/** Creates a clock, undefined if libfaketime is not installed. */
export function createFakeClock(folder: string): FakeClock | undefined {
  const library = libraries.find((file) => existsSync(file));
  if (library === undefined) {
    return undefined;
  }
  const file = join(folder, "clock");
  let offset = 0;
  writeFileSync(file, "+0");
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    },
    get offset() {
      return offset;
    },
    jumpTo(seconds) {
      offset = seconds;
      writeFileSync(file, `${seconds < 0 ? "" : "+"}${seconds}`);
    },
  };
}
