import { Argument, Command, CommanderError, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { sanitize } from "../runner/sanitize.ts";
import { asArgParser, parseDuration, parseRunnerId } from "./arguments.ts";
import { addServeOptions } from "./commands/serve-options.ts";
import { exitOnFailedWrite, writeOutput } from "./output/standard-output.ts";

// Each action imports its command's module, so that no command waits for code
// that only other commands need.

const program = new Command("runnerctl")
  .description("Inspect, watch and wait for runners of Ona (formerly Gitpod).")
  .version(packageJson.version)
  .exitOverride()
  .configureOutput({
    writeOut: writeOutput,
    outputError: (text, write) => write(`runnerctl: ${sanitize(text.replace(/^error: /, ""))}\n`),
  });

runnerCommand("get")
  .description("print the whole runner; secrets only in json and yaml")
  .addHelpText("after", example("get ID -o json | jq .runner.status.version"))
  .action(async (id, options) => (await import("./commands/get.ts")).get(id, options));

runnerCommand("status")
  .description("print phase, health with reasons, heartbeat, version, region and gateway")
  .addHelpText("after", example("status ID -o json | jq -r .health.state"))
  .action(async (id, options) => (await import("./commands/status.ts")).status(id, options));

runnerCommand("config")
  .description("print spec and configuration, desired against actual, and the update window")
  .addHelpText("after", example("config ID -o yaml"))
  .action(async (id, options) => (await import("./commands/config.ts")).config(id, options));

runnerCommand("verify")
  .description("exit with 0 if the runner has all of the capabilities, 5 otherwise")
  .requiredOption("--capability <name...>", "required capabilities, such as warm-pool")
  .addHelpText("after", example("verify ID --capability warm-pool agent-execution"))
  .action(async (id, options) => (await import("./commands/verify.ts")).verify(id, options));

pollingCommand("watch", "deadline of each call: 500ms, 5s, 2m", [10_000, "10s"])
  .description("print each change until the runner is deleted (exit 0) or Ctrl-C (exit 130)")
  .addHelpText("after", example("watch ID -o json | jq -r '.status.health.state'"))
  .action(async (id, options) => (await import("./commands/watch.ts")).watch(id, options));

pollingCommand("wait", "how long to wait in total: 500ms, 5s, 2m", [300_000, "5m"])
  .description("wait until a condition holds: exit with 0, or 5 after --timeout")
  .requiredOption(
    "--for <condition>",
    "health=healthy, phase=active, capability=warm-pool, deleted",
  )
  .addHelpText("after", example("wait ID --for health=healthy --timeout 10m"))
  .action(async (id, options) => (await import("./commands/wait.ts")).wait(id, options));

addServeOptions(program.command("serve")).action(async (options) =>
  (await import("./commands/serve.ts")).serve(options),
);

program
  .command("completion")
  .description("print the completion script for a shell")
  .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
  .addHelpText("after", example("source <(runnerctl completion bash)", ""))
  .action(async (shell) => (await import("./commands/completion.ts")).completion(shell, program));

/** Adds a command that polls a runner. */
function pollingCommand(...args: Parameters<typeof runnerCommand>): Command {
  return runnerCommand(...args).addOption(
    new Option("--interval <duration>", "time between calls")
      .argParser(asArgParser(parseDuration))
      .default(5_000, "5s"),
  );
}

/** Adds a command that fetches a runner, with the options that all of these commands share. */
function runnerCommand(
  name: string,
  timeoutDescription = "deadline of the call: 500ms, 5s, 2m",
  [timeoutMs, timeoutText] = [10_000, "10s"],
): Command {
  return program
    .command(name)
    .argument("<id>", "ID of the runner, a UUID", asArgParser(parseRunnerId))
    .addOption(
      new Option("-o, --output <format>", "output format")
        .choices(["text", "json", "yaml"])
        .default("text"),
    )
    .option(
      "--base-url <url>",
      "base URL of the API; otherwise ONA_BASE_URL, then https://app.ona.com/api",
    )
    .option("--token-file <file>", "file with the token; otherwise ONA_API_KEY")
    .addOption(
      new Option("--timeout <duration>", timeoutDescription)
        .argParser(asArgParser(parseDuration))
        .default(timeoutMs, timeoutText),
    )
    .option("--no-color", "no colors; NO_COLOR in the environment does the same");
}

function example(command: string, prefix = "runnerctl "): string {
  return `\nExample:\n  $ ${prefix}${command}`;
}

/** Runs the command given by the arguments of the process, and sets the exit code. */
export async function run(): Promise<void> {
  exitOnFailedWrite();
  process.once("uncaughtException", (error) => reportError(error).finally(() => process.exit()));
  await program.parseAsync().catch(reportError);
}

/** Prints an error as a line of text, without a stack trace, and sets the exit code. */
async function reportError(error: unknown): Promise<void> {
  if (error instanceof CommanderError) {
    // Commander has already printed the message. Its exit code for usage errors is 1, ours is 2.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  const [{ formatError }, { exitCodeFor }] = await Promise.all([
    import("./output/error-line.ts"),
    import("./exit-code.ts"),
  ]);
  process.stderr.write(`runnerctl: ${await formatError(error)}\n`);
  process.exitCode = exitCodeFor(error);
}
