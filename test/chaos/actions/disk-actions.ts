import {
  closeSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fixtureText } from "../fixture-text.ts";
import type { Action, FixtureSite, Lane } from "../lane.ts";

/** The disks, and what is on them. */
export interface Disks {
  /** A file on a small disk, undefined if none could be mounted. */
  readonly data: FixtureSite | undefined;
  readonly log: string;
  readonly hasLogDisk: boolean;
}

const notMounted = "no disk in memory could be mounted, which takes root";

/** Full disks, and a log that is rotated. */
export const diskActions: readonly Action<Disks>[] = [
  {
    name: "disk of the data full",
    whySkipped: (_, { data }) => (data === undefined ? notMounted : undefined),
    async run(lane, { data }) {
      if (data === undefined) {
        return;
      }
      const { path, ids } = data;
      const filler = fill(dirname(path));
      try {
        // Opening the file empties it, and then there is room for a part of the new text only.
        writeFileSync(path, fixtureText(path, ids, "v000000", 100_000));
        throw new Error("the disk is not full");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") {
          throw error;
        }
      }
      await lane.untilReported(path);
      await lane.pause(0, 1000);
      rmSync(filler);
      await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
      await lane.untilReported(path, false);
    },
  },
  {
    name: "disk of the log full",
    whySkipped: (_, { hasLogDisk }) => (hasLogDisk ? undefined : notMounted),
    async run(lane, { log }) {
      const before = await droppedLines(lane);
      const filler = fill(dirname(log));
      await lane.until(
        "counted as dropped log lines",
        async () => (await droppedLines(lane)) > before,
      );
      await lane.pause(0, 2000);
      rmSync(filler);
      await untilLogged(lane, log);
    },
  },
  {
    name: "log truncated",
    async run(lane, { log }) {
      truncateSync(log);
      await untilLogged(lane, log);
    },
  },
];

/** Returns how many lines the server says it has not logged. */
async function droppedLines({ server }: Lane): Promise<number> {
  const response = await fetch(new URL("/metrics", server.url));
  const [, count] =
    /^runner_server_log_lines_dropped_total (\d+)/m.exec(await response.text()) ?? [];
  return Number(count);
}

/** Waits until the calls of the load are logged again. */
async function untilLogged(lane: Lane, log: string): Promise<void> {
  const { size } = statSync(log);
  await lane.until("logged again", () => statSync(log).size !== size);
}

/** Writes a file until its disk is full. Returns its path. */
function fill(folder: string): string {
  const path = join(folder, "filler");
  const file = openSync(path, "w");
  let bytes = 65_536;
  while (bytes >= 1) {
    try {
      writeSync(file, Buffer.alloc(bytes));
    } catch {
      bytes = Math.floor(bytes / 2);
    }
  }
  closeSync(file);
  return path;
}
