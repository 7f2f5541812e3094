import { type Command, InvalidArgumentError, Option } from "commander";
import { findTokenFault } from "../../server/bearer-token.ts";
import { isOrigin } from "../../server/http/cors.ts";
import { defaultLimits } from "../../server/http/limits.ts";
import { asArgParser, parseDuration } from "../arguments.ts";

/** The parsed options of `runnerctl serve`. Timeouts are in milliseconds. */
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

/** Adds the description and options of `runnerctl serve` to `command`, and returns it. */
export function addServeOptions(command: Command): Command {
  command
    .description("serve runners from files: the reference server of RunnerService")
    .configureHelp({
      // Omits the environment variable of each option: the text below gives the rule for all.
      optionDescription: ({ description, defaultValue, defaultValueDescription }) =>
        defaultValue === undefined || defaultValue === false || Array.isArray(defaultValue)
          ? description
          : `${description} (${defaultValueDescription ?? defaultValue})`,
    })
    .addHelpText(
      "after",
      `
Every option can be set by an environment variable: --token-file by
RUNNER_SERVER_TOKEN_FILE, lists separated by commas, --token by
RUNNER_SERVER_TOKENS.

The server also serves /healthz, /readyz and /metrics.

Example:
  runnerctl serve --data examples/runners --token "$TOKEN" --host 0.0.0.0`,
    )
    .hook("preAction", (command) => {
      applyFlagsFromEnvironment(command);
      checkLists(command);
      checkOptionCombinations(command);
    });
  const add = (group: string, ...options: Option[]) => {
    for (const option of options) {
      command.addOption(option.helpGroup(group));
    }
  };
  add(
    "Fixtures:",
    listOption("--data <path...>", "files and folders of fixtures; reloaded when they change"),
    flagOption("--lenient", "accept fixtures that only violate validation rules, and warn"),
  );
  add(
    "Address:",
    valueOption("--host <address>", "address to listen on", "127.0.0.1"),
    valueOption("--port <number>", "port to listen on, 0 for any free port", 8080, parsePort),
    valueOption("--path-prefix <path>", "also serve under this path", "/api", parsePathPrefix),
    valueOption("--tls-cert <file>", "certificate in PEM format; enables TLS"),
    valueOption("--tls-key <file>", "private key of the certificate, in PEM format"),
  );
  add(
    "Access:",
    listOption("--token <token...>", "bearer tokens to accept", "RUNNER_SERVER_TOKENS"),
    valueOption(
      "--token-file <file>",
      "file with more tokens, one per line; reloaded when it changes",
    ),
    flagOption("--allow-unauthenticated", "accept unauthenticated callers, from any host"),
    listOption("--cors-origin <origin...>", "origins of web pages that may call, * for any"),
  );
  add(
    "Limits:",
    valueOption(
      "--max-body-bytes <number>",
      "maximum size of a message",
      defaultLimits.maxBodyBytes,
      parsePositiveInteger,
    ),
    valueOption(
      "--max-header-bytes <n>",
      "maximum size of all headers",
      defaultLimits.maxHeaderBytes,
      parsePositiveInteger,
    ),
    valueOption(
      "--max-connections <n>",
      "maximum number of open connections",
      defaultLimits.maxConnections,
      parsePositiveInteger,
    ),
    valueOption(
      "--max-streams <n>",
      "maximum number of calls per HTTP/2 connection",
      defaultLimits.maxStreams,
      parsePositiveInteger,
    ),
    durationOption(
      "--headers-timeout <time>",
      "time to receive the headers",
      defaultLimits.headersTimeoutMs,
    ),
    durationOption(
      "--request-timeout <time>",
      "time to receive a request, and to respond",
      defaultLimits.requestTimeoutMs,
    ),
    durationOption(
      "--idle-timeout <time>",
      "idle time between requests",
      defaultLimits.idleTimeoutMs,
    ),
    durationOption("--shutdown-timeout <time>", "time for in-flight calls at shutdown", 10_000),
  );
  add(
    "Logging:",
    valueOption("--log-level <level>", "trace, debug, info, warn, error or silent", "info").choices(
      ["trace", "debug", "info", "warn", "error", "silent"],
    ),
  );
  return command;
}

function envName(option: Option): string {
  return `RUNNER_SERVER_${option.name().replaceAll("-", "_").toUpperCase()}`;
}

function valueOption<T>(
  flags: string,
  description: string,
  defaultValue?: T,
  parse?: (text: string) => T,
): Option {
  const option = new Option(flags, description).default(defaultValue);
  if (parse !== undefined) {
    option.argParser(parse);
  }
  return option.env(envName(option));
}

function flagOption(flags: string, description: string): Option {
  return new Option(flags, description).default(false);
}

/** Sets flags from the environment. Commander itself sets a flag even if the value is `false`. */
function applyFlagsFromEnvironment(command: Command): void {
  for (const option of command.options.filter((option) => option.isBoolean())) {
    const text = process.env[envName(option)];
    const name = option.attributeName();
    if (text === undefined || command.getOptionValueSource(name) !== "default") {
      continue;
    }
    if (!/^(true|false|1|0|)$/i.test(text)) {
      command.error(`error: ${envName(option)} must be true or false, not '${text}'`);
    }
    command.setOptionValueWithSource(name, /^(true|1)$/i.test(text), "env");
  }
}

function listOption(flags: string, description: string, env?: string): Option {
  const option = new Option(flags, description).default([]);
  // The command line has one item per value; an environment variable has all items in one value.
  return option
    .env(env ?? envName(option))
    .argParser((text: string, previous: readonly string[]) => {
      const items = text.split(",").filter((item) => item !== "");
      return [...previous, ...(items.length === 0 ? [""] : items)];
    });
}

/** Exits with a usage error if an item of a list is empty or invalid. The error contains no token. */
function checkLists(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName();
    const items: unknown = command.getOptionValue(name);
    if (!Array.isArray(items)) {
      continue;
    }
    const isFromEnvironment = command.getOptionValueSource(name) === "env";
    if (isFromEnvironment && items.every((item) => item === "")) {
      // An empty variable is like none.
      command.setOptionValueWithSource(name, [], "default");
      continue;
    }
    for (const [index, item] of items.entries()) {
      const fault = findItemFault(name, item, index + 1);
      if (fault !== undefined) {
        const source = (isFromEnvironment && option.envVar) || option.long;
        command.error(`error: ${source}: ${fault}`);
      }
    }
  }
}

function findItemFault(name: string, item: string, number: number): string | undefined {
  if (name === "token") {
    const fault = findTokenFault(item);
    return fault && `token ${number} ${fault}`;
  }
  if (item === "") {
    return `value ${number} is empty`;
  }
  return name === "corsOrigin" && item !== "*" && !isOrigin(item)
    ? `'${item}' is not an origin; write it as https://app.example.com, or * for all`
    : undefined;
}

function durationOption(flags: string, description: string, defaultMs: number): Option {
  return valueOption(flags, description, defaultMs, asArgParser(parseDuration)).default(
    defaultMs,
    `${defaultMs / 1000}s`,
  );
}

/** Exits with a usage error if a required option is missing or only valid with another one. */
function checkOptionCombinations(command: Command): void {
  const { data, tlsCert, tlsKey } = command.opts<ServeOptions>();
  if (data.length === 0) {
    command.error("error: --data is missing; pass files or folders of fixtures");
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    command.error("error: --tls-cert and --tls-key must be used together");
  }
}

function parsePathPrefix(text: string): string {
  if (!/^[\w.~!$&'()*+,;=:@%/-]*$/.test(text)) {
    throw new InvalidArgumentError("It must be a path, such as /api.");
  }
  return text;
}

function parsePositiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new InvalidArgumentError("It must be a whole number greater than 0.");
  }
  return Number(text);
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
    throw new InvalidArgumentError("It must be a number from 0 to 65535.");
  }
  return Number(text);
}
