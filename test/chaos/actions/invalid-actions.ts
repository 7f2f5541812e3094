import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Action, FixtureSite, Lane } from "../lane.ts";
import type { FixtureFolder } from "./file-actions.ts";

/** Content that must not be served, and things in the folder that are no fixtures. */
export const invalidActions: readonly Action<FixtureFolder>[] = [
  invalidContent("empty file", () => ""),
  invalidContent("half a file", (_, text) => text.slice(0, text.indexOf("runnerId") + 5)),
  invalidContent("zero bytes", (_, text) => "\0".repeat(text.length)),
  invalidContent("bytes that are not UTF-8", () => Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x80])),
  invalidContent("unknown field", () => '{"runner":{"nickname":"x"}}\n'),
  invalidContent("id that is not a UUID", (_, text) =>
    text.replaceAll(/-4[0-9a-f]{3}-/g, "-zzzz-"),
  ),
  invalidContent("more than 4 MiB", (_, text) => text.replaceAll(/x* v/g, `${"x".repeat(5e6)} v`)),
  invalidContent("100,000 levels deep", () => `{"runner":${"[".repeat(1e5)}${"]".repeat(1e5)}}`),
  {
    name: "bomb of YAML aliases",
    async run(lane, { files }) {
      const file = files.find(({ path }) => /\.ya?ml$/.test(path)) as FixtureSite;
      const levels = "bcdefghi".split("").map((name, index) => {
        const previous = String.fromCharCode("a".charCodeAt(0) + index);
        return `${name}: &${name} [${Array(9).fill(`*${previous}`)}]\n`;
      });
      await rejectContent(
        lane,
        file,
        `a: &a [${Array(9).fill("x")}]\n${levels.join("")}runner: *i\n`,
      );
    },
  },
  inFolder("links in a circle", (folder) => {
    symlinkSync(".", join(folder, "a"));
    symlinkSync(".", join(folder, "b"));
    symlinkSync("circle.json", join(folder, "circle.json"));
  }),
  inFolder("dangling link", (folder) => {
    symlinkSync("nowhere.json", join(folder, "dangling.json"));
  }),
  inFolder("named pipe", (folder) => {
    spawnSync("mkfifo", [join(folder, "pipe.json")]);
  }),
  inFolder("folder named like a file", (folder) => {
    mkdirSync(join(folder, "folder.json"));
    writeFileSync(join(folder, "folder.json/.hidden.json"), "{");
  }),
];

/** Creates an action that writes invalid content over valid content, and then valid content. */
function invalidContent(
  name: string,
  content: (lane: Lane, text: string) => string | Buffer,
): Action<FixtureFolder> {
  return {
    name,
    async run(lane, { files }) {
      const file = lane.random.pick(files);
      await rejectContent(lane, file, content(lane, readFileSync(file.path, "utf8")));
    },
  };
}

/** Writes content that is rejected, while the load checks that the content before is served. */
async function rejectContent(
  lane: Lane,
  { path, ids }: FixtureSite,
  content: string | Buffer,
): Promise<void> {
  const before = readFileSync(path);
  writeFileSync(path, content);
  await lane.untilReported(path);
  await lane.pause(0, 1000);
  if (lane.random.pick([true, false])) {
    writeFileSync(path, before);
  } else {
    await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
  }
  await lane.untilReported(path, false);
}

/** Creates an action that puts something into a new folder. Changes elsewhere must be served. */
function inFolder(name: string, put: (folder: string) => void): Action<FixtureFolder> {
  return {
    name,
    async run(lane, { path: folder, files }) {
      const trap = join(folder, "trap");
      mkdirSync(trap);
      put(trap);
      await lane.pause(0, 500);
      const { path, ids } = lane.random.pick(files);
      await lane.change(ids, (version) => writeFileSync(path, lane.text(path, ids, version)));
      rmSync(trap, { recursive: true });
      await lane.untilReported(trap, false);
    },
  };
}
