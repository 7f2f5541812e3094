import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { createBackgroundWriter } from "../../../src/cli/output/background-writer.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

/** Opens a pipe of 64 KiB. Writing to it fails with EAGAIN while it is full. */
function openPipe(): number {
  const path = join(makeTempFolder().path, "pipe");
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(fd));
  return fd;
}

/** Reads what is in a pipe. */
function drain(fd: number): string {
  const buffer = Buffer.alloc(1024 * 1024);
  try {
    return buffer.toString("utf8", 0, readSync(fd, buffer));
  } catch {
    return "";
  }
}

const line = (n: number) => `${String(n).padStart(99, "0")}\n`;

test("writes all lines in order, although the pipe is full at times", async () => {
  const pipe = openPipe();
  const writer = createBackgroundWriter(pipe, 1024 * 1024);
  const expected = Array.from({ length: 5000 }, (_, n) => line(n)).join("");
  for (let n = 0; n < 5000; n++) {
    writer.write(line(n));
  }
  let received = "";
  await vi.waitFor(
    () => {
      received += drain(pipe);
      expect(received.length).toBe(expected.length);
    },
    { timeout: 10_000 },
  );
  expect(received).toBe(expected);
});

test("drops whole lines over the limit of the backlog, and then writes new ones", async () => {
  const pipe = openPipe();
  const writer = createBackgroundWriter(pipe, 10_000);
  for (let n = 0; n < 5000; n++) {
    writer.write(line(n));
    if (n === 0) {
      await sleep(50);
    }
  }
  let received = "";
  await vi.waitFor(() => {
    received += drain(pipe);
    // The first line, the one that is being written, and the backlog.
    expect(received.length).toBe(2 * 100 + 10_000);
  });
  await sleep(100);
  writer.write(line(9999));
  await vi.waitFor(() => {
    received += drain(pipe);
    expect(received.endsWith(line(9999))).toBe(true);
  });
});
