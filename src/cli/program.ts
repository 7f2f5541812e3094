import { Argument, Command, CommanderError, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { sanitize } from "../runner/sanitize.ts";
import {
  asArgParser,
  checkRepeatedOptions,
  collectRunnerId,
  ListOption,
  parseDuration,
  parseDurationOrZero,
  treatEmptyAsUnset,
} from "./arguments.ts";
import { addServeOptions } from "./commands/serve-options.ts";
import { helpLayout } from "./output/help-layout.ts";
import { writeError } from "./output/standard-error.ts";
import { exitOnFailedWrite, writeOutput } from "./output/standard-output.ts";
import { getColumns } from "./output/text-layout.ts";

// Each action imports its command's module, so that no command waits for code
// that only other commands need.

export const program = new Command("runnerctl")
  .description("Inspect, watch and wait for runners of Ona (formerly Gitpod).")
  .version(packageJson.version)
  .exitOverride()
  .configureOutput({
    writeOut: writeOutput,
    writeErr: writeError,
    getOutHelpWidth: () => getColumns(process.stdout),
    getErrHelpWidth: () => getColumns(process.stderr),
    outputError: (text, write) => write(`runnerctl: ${sanitize(text.replace(/^error: /, ""))}\n`),
  });

runnerCommand("get")
  .description("print whole runners; secrets only in json and yaml")
  .addOption(
    new Option("--as-curl", "print the call as a curl command instead of making it").conflicts([
      "output",
      "verbose",
    ]),
  )
  .addHelpText("after", example("get ID -o json | jq .runner.status.version"))
  .action(async (ids, options) => (await import("./commands/get.ts")).get(ids, options));

runnerCommand("status")
  .description("print phase, health with reasons, heartbeat, version, region and gateway")
  .option("--exit-code", "exit with 5 if a runner is not healthy")
  .addHelpText("after", example("status ID -o json | jq -r .health.state"))
  .action(async (ids, options) => (await import("./commands/status.ts")).status(ids, options));

runnerCommand("config")
  .description("print spec and configuration, desired against actual, and the update window")
  .addHelpText("after", example("config ID -o yaml"))
  .action(async (ids, options) => (await import("./commands/config.ts")).config(ids, options));

runnerCommand("verify", {
  idHint: "To give several capabilities, repeat --capability or separate them with commas.",
})
  .description("exit with 0 if all runners have all of the capabilities, 5 otherwise")
  .addOption(
    new ListOption(
      "--capability <name>",
      "required capability; repeat it for several",
    ).makeOptionMandatory(),
  )
  .addHelpText("after", example("verify ID --capability warm-pool,agent-execution"))
  .action(async (ids, options) => (await import("./commands/verify.ts")).verify(ids, options));

pollingCommand("watch", { outputs: ["text", "json", "yaml"] })
  .description("print each change until runners are deleted (exit 0) or Ctrl-C (exit 130)")
  .addHelpText("after", example("watch ID -o json | jq -r '.status.health.state'"))
  .action(async (ids, options) => (await import("./commands/watch.ts")).watch(ids, options));

pollingCommand("wait", {
  idHint: "To give several conditions, repeat --for or separate them with commas.",
  timeout: new Option("--timeout <duration>", "total time to wait; 0 checks once")
    .argParser(asArgParser(parseDurationOrZero))
    .default(300_000, "5m"),
})
  .description("wait until all conditions hold: exit with 0, or 5 after --timeout")
  .addOption(
    new ListOption(
      "--for <condition>",
      "health=healthy, phase!=degraded, capability=warm-pool, deleted; repeat it for several",
    ).makeOptionMandatory(),
  )
  .addHelpText("after", example("wait ID --for health=healthy --timeout 10m"))
  .action(async (ids, options) => (await import("./commands/wait.ts")).wait(ids, options));

addServeOptions(program.command("serve")).action(async (options) =>
  (await import("./commands/serve.ts")).serve(options),
);

addCallOptions(program.command("version"), ["text", "json", "yaml"], deadlineOption())
  .description("print the version, and with --server what is known of the server")
  .option("--server", "call the server; exit with 6 if it is unreachable, 4 if not permitted")
  .addHelpText("after", example("version --server --base-url http://127.0.0.1:8080"))
  .hook("preAction", requireServer)
  .action(async (options) => (await import("./commands/version.ts")).version(options));

program
  .command("completion")
  .description("print the completion script for a shell")
  .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
  .addHelpText("after", example("source <(runnerctl completion bash)", ""))
  .action(async (shell) => (await import("./commands/completion.ts")).completion(shell, program));

program
  .command("completion-ids", { hidden: true })
  .argument("<line>", "the command line to complete")
  .action(async (line) => (await import("./commands/completion-ids.ts")).completionIds(line));

for (const command of [program, ...program.commands]) {
  checkRepeatedOptions(command);
  command.configureHelp({ ...command.configureHelp(), ...helpLayout });
  treatEmptyAsUnset(command);
}

/** What differs between the commands for runners. */
interface RunnerCommandSettings {
  /** The output formats. Default: all. */
  readonly outputs?: readonly string[];
  /** The option `--timeout`. Default: the deadline of each call. */
  readonly timeout?: Option;
  /** What to do if an argument is not an ID but belongs to an option. */
  readonly idHint?: string;
}

/** Adds a command that polls runners. */
function pollingCommand(name: string, settings: RunnerCommandSettings): Command {
  return runnerCommand(name, settings).addOption(
    new Option("--interval <duration>", "time between calls")
      .argParser(asArgParser(parseDuration))
      .default(5_000, "5s"),
  );
}

/** Adds a command that fetches runners, with the options that all of these commands share. */
function runnerCommand(name: string, settings: RunnerCommandSettings = {}): Command {
  const {
    idHint = "",
    outputs = ["text", "json", "yaml", "name"],
    timeout = deadlineOption(),
  } = settings;
  const command = program
    .command(name)
    .addArgument(new Argument("<id...>").argParser(asArgParser(collectRunnerId, idHint)));
  return addCallOptions(command, outputs, timeout);
}

/** Adds the options of all commands that call a server and print a result. */
function addCallOptions(command: Command, outputs: readonly string[], timeout: Option): Command {
  return command
    .configureHelp({ optionDescription: describeOption })
    .addOption(
      new Option("-o, --output <format>", `format: ${joinNames(outputs)}`)
        .choices(outputs)
        .default("text"),
    )
    .option(
      "--base-url <url>",
      "base URL of the API; otherwise ONA_BASE_URL, then https://app.ona.com/api",
    )
    .option("--token-file <file>", "file with the token; otherwise ONA_API_KEY")
    .option("--allow-cleartext-token", "send the token over http: to another machine")
    .addOption(timeout)
    .option("-v, --verbose", "print HTTP requests and responses on standard error")
    .option("--no-color", "no colors; NO_COLOR in the environment does the same");
}

/** The option `--timeout` of commands whose calls have a deadline each. */
function deadlineOption(): Option {
  return new Option("--timeout <duration>", "deadline of each call: 500ms, 5s, 2m")
    .argParser(asArgParser(parseDuration))
    .default(10_000, "10s");
}

/** Makes it a usage error to give an option that has no effect without `--server`. */
function requireServer(command: Command): void {
  const { server } = command.opts();
  const unused = command.options.find(
    (option) =>
      !["server", "output", "color"].includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === "cli",
  );
  if (!server && unused !== undefined) {
    command.error(`error: option '${unused.flags}' has no effect without --server`);
  }
}

/** Describes an option, with its default but without its choices, which are in its description. */
function describeOption({ description, defaultValue, defaultValueDescription }: Option): string {
  return defaultValue === undefined || typeof defaultValue === "boolean"
    ? description
    : `${description} (default: ${defaultValueDescription ?? defaultValue})`;
}

function joinNames(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
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
  writeError(`runnerctl: ${await formatError(error)}\n`);
  process.exitCode = exitCodeFor(error);
}
