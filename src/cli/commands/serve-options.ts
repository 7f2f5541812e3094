import { type Command, InvalidArgumentError, Option } from "commander";
import { defaultLimits } from "../../server/http/limits.ts";
import { checked, parseDuration } from "../arguments.ts";

/** The options of `runnerctl serve`, as its action gets them. Times are in milliseconds. */
export interface ServeOptions {
  readonly data: readonly string[];
  readonly lenient: boolean;
  readonly host: string;
  readonly port: number;
  readonly pathPrefix: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly token: readonly string[];
  readonly tokenFile?: string;
  readonly allowUnauthenticated: boolean;
  readonly corsOrigin: readonly string[];
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  readonly maxStreams: number;
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly idleTimeout: number;
  readonly shutdownTimeout: number;
  readonly logLevel: string;
}

/** Adds the description and the options of `runnerctl serve` to `command`. */
export function addServeOptions(command: Command): Command {
  command
    .description("Serve runners from files: the reference server of RunnerService.")
    .configureHelp({
      // The environment's names follow one rule, which is told once.
      optionDescription: ({ description, defaultValue, defaultValueDescription }) =>
        defaultValue === undefined || defaultValue === false || Array.isArray(defaultValue)
          ? description
          : `${description} (${defaultValueDescription ?? defaultValue})`,
    })
    .addHelpText(
      "after",
      `
All can be in the environment: --token-file as RUNNER_SERVER_TOKEN_FILE, lists
with commas, --token as RUNNER_SERVER_TOKENS. Also served: /healthz, /readyz,
/metrics.

Example:
  runnerctl serve --data examples/runners --token "$TOKEN" --host 0.0.0.0`,
    )
    .hook("preAction", (command) => {
      applyFlagsFromEnvironment(command);
      checkOptionCombinations(command);
    });
  const add = (group: string, ...options: Option[]) => {
    for (const option of options) {
      command.addOption(option.helpGroup(group));
    }
  };
  add(
    "What to serve:",
    list("--data <path...>", "files and folders of fixtures; watched, and read again when changed"),
    flag("--lenient", "take fixtures that break rules only, and warn"),
  );
  add(
    "Where:",
    value("--host <address>", "address to listen on", "127.0.0.1"),
    value("--port <number>", "port to listen on, 0 for a free one", 8080, parsePort),
    value("--path-prefix <path>", "serve below this path too", "/api"),
    value("--tls-cert <file>", "certificate in PEM: serve over TLS"),
    value("--tls-key <file>", "its private key in PEM"),
  );
  add(
    "Who may call:",
    list("--token <token...>", "bearer tokens that are let in", "RUNNER_SERVER_TOKENS"),
    value("--token-file <file>", "more of them, one a line; read again when changed"),
    flag("--allow-unauthenticated", "let all in without tokens, not this machine only"),
    list("--cors-origin <origin...>", "origins of web pages that may call, * for all"),
  );
  add(
    "Limits:",
    value("--max-body-bytes <number>", "size of a message", defaultLimits.maxBodyBytes, parseCount),
    value(
      "--max-header-bytes <n>",
      "size of all headers",
      defaultLimits.maxHeaderBytes,
      parseCount,
    ),
    value("--max-connections <n>", "open connections", defaultLimits.maxConnections, parseCount),
    value(
      "--max-streams <n>",
      "calls on one HTTP/2 connection",
      defaultLimits.maxStreams,
      parseCount,
    ),
    time("--headers-timeout <time>", "to send the headers", defaultLimits.headersTimeoutMs),
    time(
      "--request-timeout <time>",
      "to send a request, and to answer",
      defaultLimits.requestTimeoutMs,
    ),
    time("--idle-timeout <time>", "between requests", defaultLimits.idleTimeoutMs),
    time("--shutdown-timeout <time>", "to finish the calls under way", 10_000),
  );
  add(
    "Log:",
    value("--log-level <level>", "trace, debug, info, warn, error or silent", "info").choices([
      "trace",
      "debug",
      "info",
      "warn",
      "error",
      "silent",
    ]),
  );
  return command;
}

function envOf(option: Option): string {
  return `RUNNER_SERVER_${option.name().replaceAll("-", "_").toUpperCase()}`;
}

function value<T>(
  flags: string,
  description: string,
  defaultValue?: T,
  parse?: (text: string) => T,
): Option {
  const option = new Option(flags, description).default(defaultValue);
  if (parse !== undefined) {
    option.argParser(parse);
  }
  return option.env(envOf(option));
}

function flag(flags: string, description: string): Option {
  return new Option(flags, description).default(false);
}

/** Sets flags from the environment. Commander would take a variable that says `false` for a yes. */
function applyFlagsFromEnvironment(command: Command): void {
  for (const option of command.options.filter((option) => option.isBoolean())) {
    const text = process.env[envOf(option)];
    const name = option.attributeName();
    if (text === undefined || command.getOptionValueSource(name) !== "default") {
      continue;
    }
    if (!/^(true|false|1|0|)$/i.test(text)) {
      command.error(`error: ${envOf(option)} must be true or false, not '${text}'`);
    }
    command.setOptionValueWithSource(name, /^(true|1)$/i.test(text), "env");
  }
}

function list(flags: string, description: string, env?: string): Option {
  const option = new Option(flags, description).default([]);
  // On the command line each item comes by itself, from the environment all come in one text.
  return option
    .env(env ?? envOf(option))
    .argParser((text: string, previous: readonly string[]) => [
      ...previous,
      ...text.split(",").filter((item) => item !== ""),
    ]);
}

function time(flags: string, description: string, defaultMs: number): Option {
  return value(flags, description, defaultMs, checked(parseDuration)).default(
    defaultMs,
    `${defaultMs / 1000}s`,
  );
}

/** Ends with wrong usage where options contradict each other, or one is missing. */
function checkOptionCombinations(command: Command): void {
  const { data, tlsCert, tlsKey } = command.opts<ServeOptions>();
  if (data.length === 0) {
    command.error("error: --data is missing: name files or folders of fixtures");
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    command.error("error: --tls-cert and --tls-key go together");
  }
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new InvalidArgumentError("It must be a whole number from 1 on.");
  }
  return Number(text);
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
    throw new InvalidArgumentError("It must be a number from 0 to 65535.");
  }
  return Number(text);
}
