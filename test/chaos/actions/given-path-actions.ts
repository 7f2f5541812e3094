import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Action, FixtureSite } from "../lane.ts";

/** The paths that are given with `--data`, each with one fixture file. */
export interface GivenPaths {
  /** A link to a folder, as a deployment with releases has it. */
  readonly link: FixtureSite;
  /** A folder of links through `..data`, as Kubernetes mounts a ConfigMap. */
  readonly projected: FixtureSite;
  /** A folder in a folder that nothing else is in. */
  readonly nested: FixtureSite;
  /** A file. */
  readonly single: FixtureSite;
}

/** Changes to paths that are given with `--data`, and to what they lead to. */
export const givenPathActions: readonly Action<GivenPaths>[] = [
  {
    name: "swap a link to a folder",
    async run(lane, { link: { path, ids } }) {
      const link = dirname(path);
      const before = join(dirname(link), readlinkSync(link));
      const after = join(dirname(link), `release-${lane.random.uuid()}`);
      // A link that leads nowhere for a while does not stop what is served.
      if (lane.random.pick([true, false])) {
        renameSync(before, `${before}-gone`);
        rmSync(`${before}-gone`, { recursive: true });
        await lane.untilReported(link);
      }
      await lane.change(ids, (version) => {
        mkdirSync(after);
        writeFileSync(join(after, basename(path)), lane.text(path, ids, version));
        symlinkSync(basename(after), `${link}-new`);
        renameSync(`${link}-new`, link);
      });
      await lane.untilReported(link, false);
      await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
      rmSync(before, { recursive: true, force: true });
    },
  },
  {
    name: "update a ConfigMap",
    async run(lane, { projected: { path, ids } }) {
      const before = readlinkSync(join(dirname(path), "..data"));
      await lane.change(ids, (version) =>
        project(path, lane.text(path, ids, version), `..${version}`),
      );
      if (lane.random.pick([true, false])) {
        rmSync(join(dirname(path), before), { recursive: true });
      }
    },
  },
  removed("given folder removed and rebuilt", ({ nested }) => dirname(nested.path)),
  removed("parent of a given folder removed and rebuilt", ({ nested }) =>
    dirname(dirname(nested.path)),
  ),
  removed("given file removed and rebuilt", ({ single }) => single.path),
];

/** Creates an action that removes a path, whose runners stay served, and rebuilds it. */
function removed(name: string, pathOf: (paths: GivenPaths) => string): Action<GivenPaths> {
  return {
    name,
    async run(lane, paths) {
      const removedPath = pathOf(paths);
      const { path, ids } = removedPath === paths.single.path ? paths.single : paths.nested;
      const given = path === paths.single.path ? path : dirname(path);
      renameSync(removedPath, `${removedPath}-gone`);
      rmSync(`${removedPath}-gone`, { recursive: true });
      await lane.untilReported(given);
      await lane.pause(0, 1500);
      await lane.change(ids, (version) => {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, lane.text(path, ids, version));
      });
      await lane.untilReported(given, false);
    },
  };
}

/** Updates a folder of links as Kubernetes does, by the swap of one link. */
export function project(path: string, text: string, version: string): void {
  const folder = dirname(path);
  mkdirSync(join(folder, version), { recursive: true });
  writeFileSync(join(folder, version, basename(path)), text);
  symlinkSync(version, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
}
