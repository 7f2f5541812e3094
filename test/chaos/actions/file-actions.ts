import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fixtureText, newVersion } from "../fixture-text.ts";
import type { Action, FixtureSite, Lane } from "../lane.ts";
import type { ServerProcess } from "../server-process.ts";

/** A folder of fixture files. */
export interface FixtureFolder {
  readonly path: string;
  readonly files: readonly FixtureSite[];
  /** A folder that the server does not know. */
  readonly outside: string;
}

/** Valid changes to single files, in every way there is. */
export const fileActions: readonly Action<FixtureFolder>[] = [
  onFile("write in place", async (lane, { path, ids }) => {
    await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
  }),
  onFile("write in steps", async (lane, { path, ids }) => {
    await lane.change(ids, async (version) => {
      const text = lane.text(path, ids, version);
      const steps = lane.random.between(2, 6);
      writeFileSync(path, "");
      for (let step = 0; step < steps; step++) {
        const part = (index: number) => Math.floor((text.length * index) / steps);
        appendFileSync(path, text.slice(part(step), part(step + 1)));
        await lane.pause(0, 250);
      }
    });
  }),
  onFile("replace by rename", async (lane, { path, ids }) => {
    await lane.change(ids, (version) => replace(path, lane.text(path, ids, version)));
  }),
  onFile("replace, with an old time stamp", async (lane, { path, ids }) => {
    await lane.change(ids, (version) => {
      const draft = writeDraft(path, lane.text(path, ids, version));
      utimesSync(draft, 1e9, 1e9);
      renameSync(draft, path);
    });
  }),
  onFile("same size and time stamp", async (lane, { path, ids }) => {
    const padding = lane.random.between(0, 500);
    await lane.change(ids, (version) =>
      writeFileSync(path, fixtureText(path, ids, version, padding)),
    );
    const { size, atime, mtime } = statSync(path);
    await lane.change(ids, (version) => {
      writeFileSync(path, fixtureText(path, ids, version, padding));
      utimesSync(path, atime, mtime);
      if (statSync(path).size !== size) {
        throw new Error("the size changed");
      }
    });
  }),
  onFile("rewritten every 100 ms", async (lane, { path, ids }) => {
    const isReplaced = lane.random.pick([true, false]);
    for (let round = 0; round < 40; round++) {
      const version = newVersion();
      for (const id of ids) {
        lane.model.announce(id, version);
      }
      const text = fixtureText(path, ids, version);
      if (isReplaced) {
        replace(path, text);
      } else {
        writeFileSync(path, text);
      }
      for (const id of ids) {
        lane.model.commit(id);
      }
      await setTimeout(100);
    }
    await lane.change(ids, (version) => replace(path, fixtureText(path, ids, version)));
  }),
  onFile("truncate", async (lane, { path, ids }) => {
    const [id = ""] = ids;
    const text = readFileSync(path, "utf8");
    // Within the first runner, so that no shorter text is valid.
    truncateSync(path, lane.random.between(1, text.indexOf(id) + 5));
    await lane.untilReported(path);
    await lane.pause(0, 1000);
    await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
  }),
  onFile("delete and rebuild", async (lane, { path, ids }) => {
    if (lane.random.pick([true, false])) {
      await lane.remove(ids, () => rmSync(path));
      await lane.pause(0, 500);
      await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
    } else {
      rmSync(path);
      await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
    }
  }),
  onFile("replace by a link to a file elsewhere", async (lane, { path, ids }, { outside }) => {
    const target = join(outside, `${lane.random.uuid()}.target`);
    await lane.change(ids, (version) => {
      writeFileSync(target, lane.text(path, ids, version));
      symlinkSync(target, `${path}.new`);
      renameSync(`${path}.new`, path);
    });
    await lane.change(ids, (version) => writeFileSync(target, lane.text(path, ids, version)));
    await lane.change(ids, (version) => replace(target, lane.text(path, ids, version)));
    await lane.change(ids, (version) => replace(path, lane.text(path, ids, version)));
    rmSync(target);
  }),
  {
    ...onFile("chmod 000 and back", async (lane, { path, ids }) => {
      writeFileSync(path, readFileSync(path));
      chmodSync(path, 0);
      await lane.pause(2500, 3000);
      await lane.change(ids, (version) => {
        chmodSync(path, 0o644);
        writeFileSync(path, lane.text(path, ids, version));
      });
    }),
    whySkipped: permissionsIgnored,
  },
  onFile(
    "same runner in a second file",
    async (lane, { path, ids: [id = "", ...others] }, { files }) => {
      const second = join(dirname(path), "second.json");
      const version = newVersion();
      writeFileSync(second, lane.text(second, [id], version));
      await lane.untilReported(second);
      // What the first file says is still served.
      await lane.change([id, ...others], (version) =>
        writeFileSync(path, lane.text(path, [id, ...others], version)),
      );
      if (files.length > 0 && lane.random.pick([true, false])) {
        rmSync(second);
        await lane.untilReported(second, false);
        return;
      }
      for (const other of others) {
        lane.model.announce(other, "absent");
      }
      await lane.change([id], () => rmSync(path), version);
      for (const other of others) {
        lane.model.commit(other);
      }
      await lane.untilReported(second, false);
      const back = newVersion();
      writeFileSync(path, lane.text(path, [id, ...others], back));
      await lane.untilReported(path);
      await lane.change([id, ...others], () => rmSync(second), back);
    },
  ),
];

/** Creates an action on one of the files of a folder. */
function onFile(
  name: string,
  run: (lane: Lane, file: FixtureSite, folder: FixtureFolder) => Promise<void>,
): Action<FixtureFolder> {
  return { name, run: (lane, folder) => run(lane, lane.random.pick(folder.files), folder) };
}

/** Says why actions on permissions are skipped, if they are. */
export function permissionsIgnored(server: ServerProcess): string | undefined {
  return server.obeysPermissions ? undefined : "run as root, and nobody else can read the sources";
}

/** Replaces a file by rename, so that nobody sees half of it. */
export function replace(path: string, text: string): void {
  renameSync(writeDraft(path, text), path);
}

function writeDraft(path: string, text: string): string {
  const draft = `${path}.new`;
  if (existsSync(draft) && lstatSync(draft).isSymbolicLink()) {
    rmSync(draft);
  }
  writeFileSync(draft, text);
  return draft;
}
