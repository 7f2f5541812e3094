import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
} from "node:fs";
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

const formatDropped = (count: number) => `${count} dropped\n`;

const line = (n: number) => `${String(n).padStart(99, "0")}\n`;

test("writes all lines in order, although the pipe is full at times", async () => {
  const pipe = openPipe();
  const writer = createBackgroundWriter(pipe, { maxBytes: 1024 * 1024, formatDropped });
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
  const writer = createBackgroundWriter(pipe, { maxBytes: 10_000, formatDropped });
  for (let n = 0; n < 5000; n++) {
    writer.write(line(n));
    if (n === 0) {
      await sleep(50);
    }
  }
  let received = "";
  await vi.waitFor(() => {
    received += drain(pipe);
    // The first line, the one that is being written, the backlog, and how many are missing.
    expect(received.length).toBe(2 * 100 + 10_000 + "4898 dropped\n".length);
  });
  expect(received.endsWith("\n4898 dropped\n")).toBe(true);
  expect(writer.droppedLines).toBe(4898);
  await sleep(100);
  writer.write(line(9999));
  await vi.waitFor(() => {
    received += drain(pipe);
    expect(received.endsWith(line(9999))).toBe(true);
  });
});

test("reports lines that could not be written when the file can be written again", async () => {
  const path = join(makeTempFolder().path, "log");
  symlinkSync("/dev/full", path);
  const fd = openSync(path, constants.O_WRONLY);
  onTestFinished(() => closeSync(fd));
  const writer = createBackgroundWriter(fd, { maxBytes: 10_000, formatDropped });
  writer.write(line(1));
  await vi.waitFor(() => expect(writer.droppedLines).toBe(1));
  writer.write(line(2));
  writer.write(line(3));
  await vi.waitFor(() => expect(writer.droppedLines).toBe(3));
  // The descriptor now refers to a file on a disk with space.
  closeSync(fd);
  rmSync(path);
  expect(openSync(path, "w")).toBe(fd);
  await vi.waitFor(() => expect(readFileSync(path, "utf8")).toBe("3 dropped\n"), 5000);
  writer.write(line(4));
  await vi.waitFor(() => expect(readFileSync(path, "utf8")).toBe(`3 dropped\n${line(4)}`));
});
