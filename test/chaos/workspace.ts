import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folders of a run. */
export interface Workspace {
  readonly path: string;
  /** A folder on a small disk of its own, undefined if none can be mounted. */
  readonly smallDataDisk: string | undefined;
  /** The folder of the log, on a small disk of its own if one can be mounted. */
  readonly log: string;
  readonly smallLogDisk: string | undefined;
  remove(): void;
}

/** Creates the folders, readable for every user. Mounts two disks in memory if permitted. */
export function createWorkspace(): Workspace {
  const path = mkdtempSync(join(tmpdir(), "runner-service-chaos-"));
  chmodSync(path, 0o755);
  const mounted: string[] = [];
  const mount = (name: string, size: string) => {
    const target = join(path, name);
    mkdirSync(target);
    const args = ["-t", "tmpfs", "-o", `size=${size},mode=755`, "tmpfs", target];
    if (process.getuid?.() !== 0 || spawnSync("mount", args).status !== 0) {
      return undefined;
    }
    mounted.push(target);
    return target;
  };
  const smallDataDisk = mount("disk", "256k");
  const smallLogDisk = mount("log", "8m");
  return {
    path,
    smallDataDisk,
    log: join(path, "log"),
    smallLogDisk,
    remove() {
      for (const target of mounted) {
        spawnSync("umount", ["--lazy", target]);
      }
      rmSync(path, { recursive: true, force: true });
    },
  };
}
