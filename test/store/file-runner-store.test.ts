import { fork } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { describe, expect, type TestContext, test } from "vitest";
import {
  type FileRunnerStoreEvent,
  type FileRunnerStoreOptions,
  openFileRunnerStore,
} from "../../src/server/index.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const id = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const otherId = "7e0f4c1b-92d5-4a3e-8f61-0b5d2c9a7e14";

function json(name: string, runnerId = id): string {
  return JSON.stringify({ runner: { runnerId, name } });
}

type Event<Type> = Extract<FileRunnerStoreEvent, { type: Type }>;

/** Opens a store for the test that runs, and hears its events. */
async function open(context: TestContext, options: FileRunnerStoreOptions) {
  const events: FileRunnerStoreEvent[] = [];
  let heard = () => {};
  const store = await openFileRunnerStore({
    ...options,
    onEvent: (event) => {
      events.push(event);
      heard();
    },
  });
  context.onTestFinished(() => store.close());
  /** Waits for the next event, which has to be of this type. */
  async function next<Type extends FileRunnerStoreEvent["type"]>(type: Type): Promise<Event<Type>> {
    while (events.length === 0) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
    const event = events.shift();
    expect(event).toMatchObject({ type });
    return event as Event<Type>;
  }
  await next("loaded");
  return { store, events, next };
}

describe("a store of files", () => {
  test("holds the runners of all formats, in folders and below", async (context) => {
    const folder = makeTempFolder(context);
    const ids = [0, 1, 2, 3, 4, 5, 6].map((n) => `3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b9${n}`);
    folder.write("a.json", `\uFEFF${json("a", ids[0])}`);
    folder.write("b/c/b.JSON", json("b", ids[1]));
    folder.write(
      "c.yaml",
      `# two\nrunner: { runnerId: ${ids[2]}, name: c }\n---\nrunner:\n  runnerId: ${ids[3]}\n  status: { gatewayInfo: { latency: +1.5s, gateway: &g { name: g, url: u } } }\n---\n`,
    );
    folder.write(
      "d.yml",
      `runner: { runnerId: ${ids[4]?.toUpperCase()}, createdAt: 2026-11-23T08:00:00Z }`,
    );
    folder.write("e.ndjson", `${json("e", ids[5])}\n\n${json("f", ids[6])}\r\n`);
    for (const ignored of [
      ".a.json",
      ".git/a.json",
      "a.json~",
      "#a.json#",
      "a.json.swp",
      "a.txt",
    ]) {
      folder.write(ignored, "no fixture");
    }
    symlinkSync(folder.path, join(folder.path, "circle"));
    const { store } = await open(context, { paths: [folder.path], watch: false });
    expect(store.size).toBe(7);
    expect(ids.map((runnerId) => store.get(runnerId)?.runnerId.toLowerCase())).toEqual(ids);
    expect(store.get(ids[3] as string)?.status?.gatewayInfo?.latency).toMatchObject({
      seconds: 1n,
    });
    expect(store.get(otherId)).toBeUndefined();
  });

  test("may be empty", async (context) => {
    const { store } = await open(context, { paths: [makeTempFolder(context).path], watch: false });
    expect(store.size).toBe(0);
  });

  test("gives a runner the heartbeat it asks for, and the same message until the next", async (context) => {
    const folder = makeTempFolder(context);
    const runner = { runnerId: id, status: { updatedAt: "2026-01-01T00:00:00.5Z" } };
    folder.write("a.json", JSON.stringify({ $serve: { heartbeat: "+30s" }, runner }));
    let now = new Date("2026-02-01T00:00:15Z");
    const { store } = await open(context, { paths: [folder.path], watch: false, now: () => now });
    const first = store.get(id);
    expect(first?.status?.updatedAt).toMatchObject({ nanos: 500_000_000 });
    expect(Number(first?.status?.updatedAt?.seconds)).toBe(Date.UTC(2026, 1, 1) / 1000);
    expect([...store.runners()][0]).toBe(first);
    now = new Date("2026-02-01T00:00:30.5Z");
    expect(store.get(id)?.status?.updatedAt?.seconds).toBe(
      BigInt(Date.UTC(2026, 1, 1) / 1000 + 30),
    );
    now = new Date("2025-01-01T00:00:00Z");
    expect(store.get(id)?.status?.updatedAt?.seconds).toBe(BigInt(Date.UTC(2026, 0, 1) / 1000));
  });

  test("reads much in turns with others", async (context) => {
    const folder = makeTempFolder(context);
    const lines = Array.from({ length: 20_000 }, (_, n) =>
      json("x".repeat(500), `3b8d6a52-5f14-4c0b-a7e9-${String(n).padStart(12, "0")}`),
    );
    folder.write("a.ndjson", lines.join("\n"));
    let loaded = false;
    let turns = 0;
    const opening = open(context, { paths: [folder.path], watch: false }).finally(() => {
      loaded = true;
    });
    while (!loaded) {
      await setImmediate();
      turns++;
    }
    expect((await opening).store.size).toBe(20_000);
    expect(turns).toBeGreaterThan(10);
  });
});

describe.concurrent("a store that follows its files serves", () => {
  test("a file that is written anew", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("old"));
    folder.write("b.json", json("other", otherId));
    const { store, next } = await open(context, { paths: [folder.path] });
    const other = store.get(otherId);
    writeFileSync(file, json("new"));
    expect(await next("reloaded")).toMatchObject({
      added: [],
      changed: [id],
      removed: [],
      runners: 2,
      milliseconds: expect.any(Number),
    });
    expect(store.get(id)?.name).toBe("new");
    expect(store.get(otherId)).toBe(other);
  });

  test("a file that is new, and one in a new folder", async (context) => {
    const folder = makeTempFolder(context);
    const { store, next } = await open(context, { paths: [folder.path] });
    folder.write("a.json", json("a"));
    expect(await next("reloaded")).toMatchObject({ added: [id] });
    folder.write("b/c/d.yaml", `runner: { runnerId: ${otherId} }`);
    expect(await next("reloaded")).toMatchObject({ added: [otherId] });
    expect(store.size).toBe(2);
  });

  test("a file that is replaced by renaming another to it, again and again", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("0"));
    const { store, next } = await open(context, { paths: [file] });
    for (const name of ["1", "2", "3"]) {
      renameSync(folder.write("a.json.tmp", json(name)), file);
      expect(await next("reloaded")).toMatchObject({ changed: [id] });
      expect(store.get(id)?.name).toBe(name);
    }
  });

  test("no longer what is deleted, and again what comes back", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("a"));
    const { store, next } = await open(context, { paths: [file] });
    unlinkSync(file);
    expect(await next("reloaded")).toMatchObject({ removed: [id], runners: 0 });
    expect(store.get(id)).toBeUndefined();
    folder.write("a.json", json("b"));
    expect(await next("reloaded")).toMatchObject({ added: [id] });
    expect(store.get(id)?.name).toBe("b");
  });

  test("a folder that is deleted, and made again", async (context) => {
    const folder = makeTempFolder(context);
    folder.write("data/a.json", json("a"));
    const data = join(folder.path, "data");
    const { store, next } = await open(context, { paths: [data] });
    rmSync(data, { recursive: true });
    expect(await next("reloaded")).toMatchObject({ removed: [id] });
    mkdirSync(data);
    folder.write("data/b/a.json", json("b"));
    expect(await next("reloaded")).toMatchObject({ added: [id] });
    expect(store.size).toBe(1);
  });

  test("what a link leads to, when it leads somewhere else", async (context) => {
    // How Kubernetes mounts a ConfigMap.
    const folder = makeTempFolder(context);
    folder.write("mount/..1/a.json", json("1"));
    folder.write("mount/..2/a.json", json("2"));
    const at = (name: string) => join(folder.path, "mount", name);
    symlinkSync("..1", at("..data"));
    symlinkSync("..data/a.json", at("a.json"));
    const { store, next } = await open(context, { paths: [at("")] });
    symlinkSync("..2", at("..tmp"));
    renameSync(at("..tmp"), at("..data"));
    rmSync(at("..1"), { recursive: true });
    expect(await next("reloaded")).toMatchObject({ changed: [id] });
    expect(store.get(id)?.name).toBe("2");
  });

  test("a runner that moves from one file to another, without a word of two with one id", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("a"));
    const { store, next } = await open(context, { paths: [folder.path] });
    folder.write("b.json", json("b"));
    await setImmediate();
    unlinkSync(file);
    expect(await next("reloaded")).toMatchObject({ added: [], changed: [id], removed: [] });
    expect(store.get(id)?.name).toBe("b");
  });
});

describe.concurrent("a store that follows its files", () => {
  test("reports wrong ones once, goes on serving what it had, and takes the next that is right", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("old"));
    const { store, events, next } = await open(context, { paths: [folder.path] });
    const before = store.get(id);

    writeFileSync(file, json("1").replace("name", "nam"));
    const { mistakes } = await next("rejected");
    expect(mistakes).toMatchObject([{ file, line: 1, column: 62, field: "runner.nam" }]);
    expect(store.get(id)).toBe(before);

    // The same content is no news, but another is, even if it is wrong in the same way.
    utimesSync(file, new Date(), new Date());
    folder.write("b.json", json("b", otherId));
    writeFileSync(file, json("2").replace("name", "nam"));
    expect((await next("rejected")).mistakes).toEqual(mistakes);
    expect(store.size).toBe(1);

    writeFileSync(file, json("new"));
    expect(await next("reloaded")).toMatchObject({ added: [otherId], changed: [id] });
    expect(store.get(id)?.name).toBe("new");
    expect(events).toEqual([]);
  });

  test("says so when what was wrong is as before again", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("a"));
    const { store, next } = await open(context, { paths: [folder.path] });
    const before = store.get(id);
    writeFileSync(file, "");
    await next("rejected");
    writeFileSync(file, json("a"));
    expect(await next("reloaded")).toMatchObject({ added: [], changed: [], removed: [] });
    expect(store.get(id)).toBe(before);
  });

  test("says nothing of what changes no runner", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("a"));
    const { store, next } = await open(context, { paths: [folder.path] });
    const before = store.get(id);
    writeFileSync(file, ` ${json("a")}\n`);
    folder.write(".b.json.swp", "x");
    folder.write("c.txt", "x");
    folder.write("c.json", json("c", otherId));
    expect(await next("reloaded")).toMatchObject({ added: [otherId], changed: [] });
    expect(store.get(id)).toBe(before);
  });

  test("has the same object for what is the same, also beside what changed in its file", async (context) => {
    const folder = makeTempFolder(context);
    const line = `{ "runner": { "runnerId": "${otherId}", "name": "é" } }`;
    const thirdId = "0b1c7d7e-95a0-4f6b-8a5e-5c6b4f3a2d10";
    const third = json("é", thirdId);
    const file = folder.write("a.ndjson", `${json("old")}\n${line}\n${third}`);
    const { store, next } = await open(context, { paths: [file] });
    const before = [otherId, thirdId].map((runnerId) => store.peek(runnerId));
    expect(before).not.toContain(undefined);
    writeFileSync(file, `${third}\n${json("new")}\n${line}\n`);
    expect(await next("reloaded")).toMatchObject({ changed: [id] });
    expect(store.peek(otherId)).toBe(before[0]);
    expect(store.peek(thirdId)).toBe(before[1]);
    expect(store.get(thirdId)?.name).toBe("é");
  });

  test("reports two files with one id", async (context) => {
    const folder = makeTempFolder(context);
    const a = folder.write("a.json", json("a"));
    const { store, next } = await open(context, { paths: [folder.path] });
    const b = folder.write("b.json", json("b"));
    expect(await next("rejected")).toMatchObject({
      mistakes: [{ file: b, line: 1, message: expect.stringContaining(`${a}:1:23`) }],
    });
    expect(store.get(id)?.name).toBe("a");
  });

  test("warns of broken rules when it is lenient", async (context) => {
    const folder = makeTempFolder(context);
    folder.write("a.json", json("a"));
    const { store, next } = await open(context, { paths: [folder.path], lenient: true });
    const b = folder.write("b.json", json("b", "no-uuid"));
    expect(await next("reloaded")).toMatchObject({ added: ["no-uuid"] });
    const warnings = [{ file: b, ruleId: "string.uuid" }];
    expect(await next("warned")).toMatchObject({ warnings });
    expect(store.size).toBe(2);
    folder.write("b.ndjson", json("b", "no-uuid-either"));
    await next("reloaded");
    await next("warned");
    folder.write("b.ndjson", `${json("b", "no-uuid-either")}\n${json("c", otherId)}`);
    expect(await next("reloaded")).toMatchObject({ added: [otherId] });
    expect(await next("warned")).toMatchObject({ warnings: [{ ruleId: "string.uuid" }] });
  });

  test("says nothing of a file that is whole a moment later", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("old"));
    const { store, next } = await open(context, { paths: [folder.path] });
    const text = json("new");
    writeFileSync(file, text.slice(0, 20));
    await setTimeout(300);
    expect(store.get(id)?.name).toBe("old");
    appendFileSync(file, text.slice(20));
    expect(await next("reloaded")).toMatchObject({ changed: [id] });
    expect(store.get(id)?.name).toBe("new");
  });

  test("serves nothing half-written, even if the half is right by itself", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.yaml", `runner:\n  runnerId: ${id}\n`);
    const { store, next } = await open(context, { paths: [file] });
    for (let round = 0; round < 5; round++) {
      writeFileSync(file, `runner:\n  runnerId: ${id}\n`);
      // Less than a store waits: this timer is always over before those of the store.
      await setTimeout(40);
      appendFileSync(file, `  name: "${round}"\n`);
      await next("reloaded");
      expect(store.get(id)?.name).toBe(`${round}`);
    }
  });

  test("serves whole versions only while another process rewrites the file", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("0"));
    const { store, events } = await open(context, { paths: [file] });
    const times = 50;
    const writer = fork(join(import.meta.dirname, "../support/rewrite-file.ts"), [
      file,
      String(times),
    ]);
    const ended = once(writer, "exit");
    const seen = new Set<string>();
    do {
      const runner = store.get(id);
      expect(runner?.status?.version ?? "0").toBe(runner?.name);
      seen.add(runner?.name ?? "none");
      await setTimeout(1);
    } while (!seen.has(String(times)));
    expect(await ended).toEqual([0, null]);
    expect(seen).not.toContain("none");
    expect(seen.size).toBeGreaterThan(2);
    expect(events.filter(({ type }) => type !== "reloaded")).toEqual([]);
  }, 30_000);

  test("misses no change, however quickly they come", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("0"));
    const { store, next } = await open(context, { paths: [folder.path] });
    for (let round = 1; round <= 5; round++) {
      for (let n = 0; n < 20; n++) {
        writeFileSync(file, json(`${round}/${n}`));
        await setImmediate();
      }
      while (store.get(id)?.name !== `${round}/19`) {
        await next("reloaded");
      }
    }
  });

  test("follows no more once it is closed, and still serves", async (context) => {
    const folder = makeTempFolder(context);
    const file = folder.write("a.json", json("a"));
    const watched = await open(context, { paths: [folder.path] });
    const { store, events } = await open(context, { paths: [folder.path] });
    writeFileSync(file, json("b"));
    await store.close();
    await watched.next("reloaded");
    expect(events).toEqual([]);
    expect(store.get(id)?.name).toBe("a");
  });

  test("leaves nothing behind that keeps a process alive, be it closed or refused", async (context) => {
    const folder = makeTempFolder(context);
    folder.write("a.json", json("a"));
    const program = `
      const { openFileRunnerStore } = await import(process.argv[1]);
      const [, , folder] = process.argv;
      const store = await openFileRunnerStore({ paths: [folder] });
      await store.close();
      await openFileRunnerStore({ paths: [folder + "/none"] }).catch(() => {});
    `;
    const source = new URL("../../src/server/index.ts", import.meta.url).href;
    const child = fork("--eval", [], {
      execArgv: ["--input-type=module", "--eval", program, source, folder.path],
    });
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});
