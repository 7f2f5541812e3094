#!/usr/bin/env node
import { Command, InvalidArgumentError } from "commander";
import { exitCodeOf } from "./exit-code.ts";

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

program
  .command("serve")
  .description("serve runners from files")
  .option("--data <path...>", "files and folders with runners in Protobuf JSON", [])
  .option("--host <host>", "the address to listen on", "127.0.0.1")
  .option("--port <port>", "the port to listen on, 0 for a free one", port, 8080)
  .action(async (options) => (await import("./serve.ts")).serve(options));

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65535) {
    throw new InvalidArgumentError("It must be a number from 0 to 65535.");
  }
  return value;
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`runnerctl: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = exitCodeOf(error);
}
