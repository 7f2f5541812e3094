import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const baseline = join(root, "test/contract/baseline.json");

/** The folder of a copy of the contract, which the tests change. */
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "breaking-"));
  for (const path of ["buf.yaml", "proto", "third_party"]) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
});

afterEach(() => rmSync(copy, { recursive: true }));

describe("the check for breaking changes", () => {
  test("passes for the unchanged contract", () => {
    expect(checkBreaking()).toEqual({ status: 0, output: "" });
  });

  test("passes when a field is added", () => {
    edit("  string name = 4;", "  string name = 4;\n\n  // New.\n  string motto = 1000;");
    expect(checkBreaking()).toEqual({ status: 0, output: "" });
  });

  test("fails when a field is deleted", () => {
    edit("  string log_url = 5;", '  reserved 5;\n  reserved "log_url";');
    const { status, output } = checkBreaking();
    expect(status).toBe(100);
    expect(output).toContain('Previously present field "5" with name "log_url"');
  });

  test("fails when a field number changes", () => {
    edit("  string log_url = 5;", "  string log_url = 1000;");
    const { status, output } = checkBreaking();
    expect(status).toBe(100);
    expect(output).toContain('Previously present field "5" with name "log_url"');
  });

  test("fails when a JSON name changes", () => {
    edit("  string log_url = 5;", '  string log_url = 5 [json_name = "logs"];');
    const { status, output } = checkBreaking();
    expect(status).toBe(100);
    expect(output).toContain('option "json_name" from "logUrl" to "logs"');
  });
});

function edit(search: string, replacement: string): void {
  const file = join(copy, "proto/gitpod/v1/runner_service.proto");
  const source = readFileSync(file, "utf8");
  expect(source).toContain(search);
  writeFileSync(file, source.replace(search, replacement));
}

function checkBreaking(): { status: number | null; output: string } {
  const args = ["breaking", copy, "--against", baseline];
  const { status, stdout, stderr } = spawnSync(join(root, "node_modules/.bin/buf"), args, {
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}
