/**
 * Runs a real server under a steady load, and does to its files, disks, clock and connections
 * whatever can happen to them. See README.md in this folder.
 */
import { mkdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { clientsThatNeverRead, connectionActions } from "./actions/connection-actions.ts";
import { diskActions } from "./actions/disk-actions.ts";
import { type FixtureFolder, fileActions } from "./actions/file-actions.ts";
import { folderActions } from "./actions/folder-actions.ts";
import { type GivenPaths, givenPathActions, project } from "./actions/given-path-actions.ts";
import { invalidActions } from "./actions/invalid-actions.ts";
import { heartbeatSeconds, processActions } from "./actions/process-actions.ts";
import { createFakeClock } from "./fake-clock.ts";
import { fixtureText, newVersion } from "./fixture-text.ts";
import { createSite, runLane } from "./lane.ts";
import { callRunner, createProbe, type Load, startLoad } from "./load.ts";
import { createModel, marginMs, servedWithinMs } from "./model.ts";
import { readOptions } from "./options.ts";
import { createRandom } from "./random.ts";
import { formatTallies } from "./report.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { createViolations } from "./violations.ts";
import { createWorkspace, type Workspace } from "./workspace.ts";

/**
 * How much more the server may use in the end than after a warm-up. What is in use shows leaks. The
 * process keeps more: the most that it ever needed at once, such as for a file that is too large.
 */
const maxHeapGrowthBytes = 32 * 2 ** 20;
const maxRssGrowthBytes = 256 * 2 ** 20;
const maxMoreDescriptors = 10;

/** The server's limit for calls in flight at SIGTERM, and the time to exit after that. */
const shutdownTimeoutMs = 3000;
const exitMarginMs = 1000;

/** The time of a run that is needed after the last action has started, in milliseconds. */
const endMs = 13_000;

/** The time of the load before the memory is measured for the first time, in milliseconds. */
const warmUpMs = 7000;

/** The time without calls before the memory is measured, in milliseconds. */
const idleMs = 2000;

/** The time after which a run that does not end has failed, in milliseconds. */
const overtimeMs = 60_000;

/** The log is truncated at this size, as log rotation does. */
const maxLogBytes = 5 * 2 ** 20;

const { seconds, seed } = readOptions(process.argv.slice(2));
const repeat = `npm run chaos -- --seconds ${seconds} --seed ${seed}`;
const startedAt = performance.now();
process.stdout.write(`chaos: ${seconds} s, to repeat it: ${repeat}\n`);

const workspace = createWorkspace();
let server: ServerProcess | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    server?.kill("SIGKILL");
    workspace.remove();
    process.exit(130);
  });
}
const watchdogMs = seconds * 1000 + overtimeMs;
setTimeout(watchdogMs, undefined, { ref: false }).then(() => {
  process.stderr.write(`chaos: not done after ${watchdogMs / 1000} s; to repeat it: ${repeat}\n`);
  server?.kill("SIGKILL");
  workspace.remove();
  process.exit(1);
});
try {
  process.exitCode = (await run(workspace)) ? 0 : 1;
} finally {
  server?.kill("SIGKILL");
  await server?.exited;
  workspace.remove();
}

/** Returns whether the server did everything right. */
async function run({ path: root, smallDataDisk, smallLogDisk, log }: Workspace): Promise<boolean> {
  const random = createRandom(seed, "fixtures");
  const model = createModel(() => server?.runningTime() ?? performance.now());
  const clock = createFakeClock(root);
  const site = (path: string, runners = 1) => createSite(join(root, path), runners, model, random);
  const folder = (name: string): FixtureFolder => {
    mkdirSync(join(root, "outside", name), { recursive: true });
    return {
      path: join(root, "data", name),
      files: [
        site(`data/${name}/one.json`),
        site(`data/${name}/many.yaml`, 3),
        site(`data/${name}/lines.ndjson`, 5),
        site(`data/${name}/sub/deep/two.yml`, 2),
      ],
      outside: join(root, "outside", name),
    };
  };
  const folders = {
    files: folder("files"),
    content: folder("content"),
    folders: folder("folders"),
  };
  site("given/release-1/runner.json");
  symlinkSync("release-1", join(root, "given/current"));
  const linked = { path: join(root, "given/current/runner.json"), ids: model.ids.slice(-1) };
  const projected = { path: join(root, "given/projected/runner.yaml"), ids: [random.uuid()] };
  const version = newVersion();
  project(projected.path, fixtureText(projected.path, projected.ids, version), "..first");
  symlinkSync("..data/runner.yaml", projected.path);
  model.announce(projected.ids[0] ?? "", version);
  const given: GivenPaths = {
    link: linked,
    projected,
    nested: site("given/parent/child/runner.json"),
    single: site("given/single.json"),
  };
  const onSmallDisk = smallDataDisk === undefined ? undefined : site("disk/one.json");
  const heartbeatId = random.uuid();
  writeFileSync(join(root, "heartbeat.json"), heartbeatFixture(heartbeatId));

  mkdirSync(dirname(log), { recursive: true });
  const logFile = join(log, "server.log");
  server = await startServer({
    data: [
      ...["data", "given/current", "given/projected", "given/parent/child", "given/single.json"],
      ...(onSmallDisk ? ["disk"] : []),
      "heartbeat.json",
    ].map((name) => join(root, name)),
    log: logFile,
    env: clock?.env ?? {},
    shutdownTimeout: `${shutdownTimeoutMs / 1000}s`,
  });
  const running = server;
  let lanes: ReturnType<typeof runLane>[] = [];
  const violations = createViolations(() => lanes.map(({ current }) => current).join(" · "));
  let isShuttingDown = false;
  running.exited.then(({ code, signal }) => {
    if (!isShuttingDown) {
      violations.add(`the server exited, with ${code ?? signal}`);
    }
  });
  const loads: Load[] = [];
  const load = () => {
    const next = startLoad(running, model, createRandom(seed, "load"), violations);
    loads.push(next);
    return next;
  };

  // Clients that never read set the high-water mark of the memory, which the heap keeps.
  const warmUp = load();
  const warmUntil = performance.now() + warmUpMs;
  const warm = { seed, server: running, model, violations };
  await runLane("warm-up", [clientsThatNeverRead], undefined, {
    ...warm,
    isOver: () => performance.now() > warmUntil || running.hasExited,
  }).done;
  await warmUp.stop();
  await setTimeout(idleMs);
  const before = await running.measure();

  const steady = load();
  const rotation = setInterval(() => {
    if (statSync(logFile).size > maxLogBytes) {
      truncateSync(logFile);
    }
  }, 500);
  const deadline = startedAt + seconds * 1000 - endMs;
  const options = {
    ...warm,
    isOver: () => performance.now() > deadline || running.hasExited,
  };
  const disks = { data: onSmallDisk, log: logFile, hasLogDisk: smallLogDisk !== undefined };
  const probe = createProbe(running.url);
  lanes = [
    runLane("files", fileActions, folders.files, options),
    runLane("content", invalidActions, folders.content, options),
    runLane("folders", folderActions, folders.folders, options),
    runLane("--data", givenPathActions, given, options),
    runLane("disks", diskActions, disks, options),
    runLane("process", processActions, { clock, heartbeatId, probe }, options),
    runLane("clients", connectionActions, undefined, options),
  ];
  await Promise.all(lanes.map(({ done }) => done));
  await steady.stop();
  clearInterval(rotation);
  await setTimeout(idleMs);

  if (!running.hasExited) {
    for (const id of model.ids) {
      const served = await callRunner(probe, id).catch((error: Error) => error.message);
      if (served !== model.expected(id)) {
        violations.add(`in the end, ${id} is ${served}; expected ${model.expected(id)}`);
      }
    }
  }
  const after = running.hasExited ? before : await running.measure();
  if (
    after.heapBytes > before.heapBytes + maxHeapGrowthBytes ||
    after.rssBytes > before.rssBytes + maxRssGrowthBytes
  ) {
    violations.add(`memory grew from ${formatMemory(before)} to ${formatMemory(after)}`);
  }
  if (after.descriptors > before.descriptors + maxMoreDescriptors) {
    violations.add(`open files grew from ${before.descriptors} to ${after.descriptors}`);
  }

  isShuttingDown = true;
  const exit = await shutDown(running, load());
  if (exit.code !== 0) {
    violations.add(`SIGTERM ended the server with ${exit.code ?? exit.signal ?? "nothing"}`);
  }
  if (exit.milliseconds > shutdownTimeoutMs + exitMarginMs) {
    violations.add(`SIGTERM took ${exit.milliseconds.toFixed(0)} ms`);
  }

  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const protocols = Object.keys(steady.calls).map(
    (protocol) => `${total(loads.map(({ calls }) => calls[protocol] ?? 0))} by ${protocol}`,
  );
  const lines = [
    formatTallies(lanes.flatMap(({ tallies }) => tallies)),
    "",
    `calls    ${protocols.join(", ")}; ${total(loads.map(({ notFound }) => notFound))} for a runner that was deleted`,
    `slowest  ${Math.max(...loads.map(({ slowestMs }) => slowestMs)).toFixed(0)} ms, stops of the server included`,
    `memory   ${formatMemory(before)} after the warm-up, ${formatMemory(after)} in the end (limits: ${mebibytes(maxHeapGrowthBytes)} and ${mebibytes(maxRssGrowthBytes)} more)`,
    `files    ${before.descriptors} open after the warm-up, ${after.descriptors} in the end (limit: ${maxMoreDescriptors} more)`,
    `SIGTERM  exit code ${exit.code} after ${exit.milliseconds.toFixed(0)} ms (limit: ${shutdownTimeoutMs + exitMarginMs} ms)`,
    `limit    ${servedWithinMs} ms until served, plus ${marginMs} ms to read and to call`,
    "",
    ...violations.describe().map((violation) => `✗ ${violation}`),
    violations.count === 0
      ? "✓ no violation"
      : `✗ ${violations.count} violations; to repeat them: ${repeat}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return violations.count === 0;
}

/** Ends the server by SIGTERM while it has calls in flight and clients that do not let go. */
async function shutDown(server: ServerProcess, load: Load) {
  const stuck = ["", "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n"].map(
    (text) => {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(text);
      return socket;
    },
  );
  await setTimeout(1000);
  load.expectRefusals();
  const startedAt = performance.now();
  server.kill("SIGTERM");
  const limit = setTimeout(30_000, { code: null, signal: null }, { ref: false });
  const { code, signal } = await Promise.race([server.exited, limit]);
  const milliseconds = performance.now() - startedAt;
  await load.stop();
  for (const socket of stuck) {
    socket.destroy();
  }
  return { code, signal, milliseconds };
}

function heartbeatFixture(runnerId: string): string {
  const updatedAt = new Date(Date.now() - 10 * 86_400_000).toISOString();
  const status = { phase: "RUNNER_PHASE_ACTIVE", updatedAt };
  const $serve = { heartbeat: `${heartbeatSeconds}s` };
  return JSON.stringify({ $serve, runner: { runnerId, name: "heartbeat", status } });
}

function formatMemory({ heapBytes, rssBytes }: { heapBytes: number; rssBytes: number }): string {
  return `${mebibytes(heapBytes)} in use (resident: ${mebibytes(rssBytes)})`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
