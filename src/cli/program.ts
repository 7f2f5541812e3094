import { Argument, Command, CommanderError, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { checked, parseDuration, parseRunnerId } from "./arguments.ts";
import { addServeOptions } from "./commands/serve-options.ts";

// Each command's own file is imported when the command runs, so that none
// waits for what only others need.

const program = new Command("runnerctl")
  .description("Works with runners of Ona (formerly Gitpod).")
  .version(packageJson.version)
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => write(`runnerctl: ${onOneLine(text.replace(/^error: /, ""))}\n`),
  });

runnerCommand("get")
  .description("print the whole runner; secrets are in json and yaml only")
  .addHelpText("after", example("get ID -o json | jq .runner.status.version"))
  .action(async (id, options) => (await import("./commands/get.ts")).get(id, options));

runnerCommand("status")
  .description("print how the runner is: phase, health and why, heartbeat, gateway")
  .addHelpText("after", example("status ID -o json | jq -r .health.state"))
  .action(async (id, options) => (await import("./commands/status.ts")).status(id, options));

runnerCommand("config")
  .description("print what the runner shall be, whether it is, and when it may update")
  .addHelpText("after", example("config ID -o yaml"))
  .action(async (id, options) => (await import("./commands/config.ts")).config(id, options));

runnerCommand("verify")
  .description("end with 0 if the runner has all of the capabilities, with 5 if not")
  .requiredOption("--capability <name...>", "what it has to have, such as warm-pool")
  .addHelpText("after", example("verify ID --capability warm-pool agent-execution"))
  .action(async (id, options) => (await import("./commands/verify.ts")).verify(id, options));

pollingCommand("watch", "how long one call may take: 500ms, 5s, 2m", [10_000, "10s"])
  .description("print each change until the runner is deleted (ends with 0) or Ctrl-C (130)")
  .addHelpText("after", example("watch ID -o json | jq -r '.status.health.state'"))
  .action(async (id, options) => (await import("./commands/watch.ts")).watch(id, options));

pollingCommand("wait", "how long to wait in all: 500ms, 5s, 2m", [300_000, "5m"])
  .description("wait until a condition holds: end with 0, or with 5 when time is over")
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
  .description("print the script with which a shell completes what is typed")
  .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
  .addHelpText("after", example("source <(runnerctl completion bash)", ""))
  .action(async (shell) => (await import("./commands/completion.ts")).completion(shell, program));

/** A command that asks for a runner again and again. */
function pollingCommand(...args: Parameters<typeof runnerCommand>): Command {
  return runnerCommand(...args).addOption(
    new Option("--interval <duration>", "the time between two calls")
      .argParser(checked(parseDuration))
      .default(5_000, "5s"),
  );
}

/** A command that asks for a runner, with the options that all of them have. */
function runnerCommand(
  name: string,
  timeout = "how long to wait at most: 500ms, 5s, 2m",
  [timeoutMs, timeoutText] = [10_000, "10s"],
): Command {
  return program
    .command(name)
    .argument("<id>", "the runner's id, a UUID", checked(parseRunnerId))
    .addOption(
      new Option("-o, --output <format>", "how to print it")
        .choices(["text", "json", "yaml"])
        .default("text"),
    )
    .option(
      "--base-url <url>",
      "the URL below which the API is served; otherwise ONA_BASE_URL, then https://app.ona.com/api",
    )
    .option("--token-file <file>", "a file with the token; otherwise ONA_API_KEY")
    .addOption(
      new Option("--timeout <duration>", timeout)
        .argParser(checked(parseDuration))
        .default(timeoutMs, timeoutText),
    )
    .option("--no-color", "no colours; NO_COLOR in the environment does the same");
}

function example(command: string, start = "runnerctl "): string {
  return `\nExample:\n  $ ${start}${command}`;
}

function onOneLine(text: string): string {
  return text.trim().replaceAll("\n", " ");
}

/** Runs the command that the arguments of the process ask for, and sets the exit code. */
export async function run(): Promise<void> {
  // Who closes the pipe early, as `head` does, has read enough: that is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") {
      throw error;
    }
    process.exit();
  });

  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said all there is to say. It ends with 1 for what is wrong usage here.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else {
      const [{ formatError }, { exitCodeOf }] = await Promise.all([
        import("./output/error-line.ts"),
        import("./exit-code.ts"),
      ]);
      process.stderr.write(`runnerctl: ${await formatError(error)}\n`);
      process.exitCode = exitCodeOf(error);
    }
  }
}
