import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { type FileRunnerStoreEvent, openFileRunnerStore } from "../../src/server/index.ts";
import { runner, startServer } from "../support/server.ts";

test("valid and invalid reloads under load disturb no call", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reload-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "runner.json");
  const write = (text: string) => {
    writeFileSync(`${file}.tmp`, text);
    renameSync(`${file}.tmp`, file);
  };
  // Each version has its number in two fields, so a mix of two versions would be noticed.
  const version = (n: number) =>
    JSON.stringify({
      runner: { runnerId: runner.runnerId, name: `${n}`, status: { message: `${n}` } },
    });
  write(version(0));

  let nextEvent = Promise.withResolvers<FileRunnerStoreEvent>();
  const nextEventType = async () => {
    const event = await nextEvent.promise;
    nextEvent = Promise.withResolvers();
    return event.type;
  };
  const store = await openFileRunnerStore({
    paths: [folder],
    onEvent: (event) => {
      if (event.type === "reloaded" || event.type === "rejected") {
        nextEvent.resolve(event);
      }
    },
  });
  onTestFinished(() => store.close());
  const { url } = await startServer({ store });

  const seen = new Set<string>();
  let calls = 0;
  let isDone = false;
  const load = (["1.1", "2"] as const).flatMap((httpVersion) => {
    const transport = createConnectTransport({ baseUrl: url, httpVersion });
    const client = createClient(RunnerService, transport);
    return Array.from({ length: 4 }, async () => {
      while (!isDone) {
        const response = await client.getRunner({ runnerId: runner.runnerId });
        expect(response.runner?.status?.message).toBe(response.runner?.name);
        seen.add(response.runner?.name ?? "");
        calls += 1;
      }
    });
  });

  for (let n = 1; n <= 5; n++) {
    write(version(n));
    expect(await nextEventType()).toBe("reloaded");
    const callsBefore = calls;
    while (calls < callsBefore + 20) {
      await new Promise(setImmediate);
    }
    write(version(n).slice(0, -n));
    expect(await nextEventType()).toBe("rejected");
  }
  isDone = true;
  await Promise.all(load);
  expect([...seen].sort()).toEqual(["0", "1", "2", "3", "4", "5"]);
}, 60_000);
