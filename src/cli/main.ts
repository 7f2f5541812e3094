#!/usr/bin/env node
import { Command } from "commander";
import { exitCodeOf } from "./exit-code.ts";
import { defineServe } from "./serve-command.ts";

const program = new Command("runnerctl").description(
  "Works with runners of Ona (formerly Gitpod).",
);

program
  .command("get")
  .description("print the whole runner")
  .argument("<id>", "the runner's id, a UUID")
  .option("--base-url <url>", "the URL below which the API is served")
  .option("-o, --output <format>", "json")
  .action(async (id, options) => (await import("./get.ts")).get(id, options));

defineServe(program.command("serve"));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`runnerctl: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = exitCodeOf(error);
}
