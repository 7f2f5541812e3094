import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Action, FixtureSite } from "../lane.ts";
import { type FixtureFolder, permissionsIgnored, replace } from "./file-actions.ts";

/** Changes to folders below a given folder. */
export const folderActions: readonly Action<FixtureFolder>[] = [
  {
    name: "delete and rebuild a folder",
    async run(lane, folder) {
      const { path, ids } = fileInSubfolder(folder);
      const parents = [dirname(path), dirname(dirname(path))];
      await lane.remove(ids, () => rmSync(lane.random.pick(parents), { recursive: true }));
      await lane.pause(0, 500);
      await lane.change(ids, (version) => {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, lane.text(path, ids, version));
      });
    },
  },
  {
    name: "rename a folder and back",
    async run(lane, folder) {
      const { path, ids } = fileInSubfolder(folder);
      const parent = dirname(path);
      renameSync(parent, `${parent}-renamed`);
      await lane.pause(0, 2500);
      const renamed = path.replace(parent, `${parent}-renamed`);
      await lane.change(ids, (version) => replace(renamed, lane.text(path, ids, version)));
      renameSync(`${parent}-renamed`, parent);
      await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
    },
  },
  {
    name: "replace a folder",
    async run(lane, folder) {
      const { path, ids } = fileInSubfolder(folder);
      const parent = dirname(path);
      const [draft, old] = [`${folder.outside}/new`, `${folder.outside}/old`];
      await lane.change(ids, (version) => {
        mkdirSync(draft);
        writeFileSync(path.replace(parent, draft), lane.text(path, ids, version));
        renameSync(parent, old);
        renameSync(draft, parent);
      });
      rmSync(old, { recursive: true });
    },
  },
  {
    name: "chmod 000 of a folder and back",
    whySkipped: permissionsIgnored,
    async run(lane, folder) {
      const { path, ids } = fileInSubfolder(folder);
      chmodSync(dirname(path), 0);
      await lane.untilReported(dirname(path));
      await lane.pause(0, 1000);
      await lane.change(ids, (version) => {
        chmodSync(dirname(path), 0o755);
        writeFileSync(path, lane.text(path, ids, version));
      });
      await lane.untilReported(dirname(path), false);
    },
  },
  {
    name: "60 files at once, and gone again",
    async run(lane, folder) {
      const burst = join(folder.path, "burst");
      const files = Array.from({ length: 60 }, () => lane.random.uuid());
      await lane.change(files, (version) => {
        mkdirSync(burst);
        for (const id of files) {
          const file = join(burst, `${id}.json`);
          writeFileSync(file, lane.text(file, [id], version));
        }
      });
      await lane.remove(files, () => rmSync(burst, { recursive: true }));
    },
  },
];

function fileInSubfolder({ path, files }: FixtureFolder): FixtureSite {
  return files.find((file) => dirname(file.path) !== path) as FixtureSite;
}
