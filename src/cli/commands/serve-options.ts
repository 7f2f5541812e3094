import { type Command, InvalidArgumentError, Option } from "commander";
import { findTokenFault } from "../../server/bearer-token.ts";
import { isOrigin } from "../../server/http/cors.ts";
import { parseListenHost } from "../../server/http/host.ts";
import { defaultLimits } from "../../server/http/limits.ts";
import { parsePathPrefix } from "../../server/path-prefix.ts";
import { asArgParser, ListOption, parseDuration, parseDurationOrZero } from "../arguments.ts";
import { wrapParagraphs } from "../output/help-layout.ts";
import { getColumns } from "../output/text-layout.ts";
import { applyServeEnvironment } from "./serve-environment.ts";

/** The parsed options of `runnerctl serve`. Timeouts are in milliseconds. */
export interface ServeOptions {
  readonly data: readonly string[];
  readonly sample: boolean;
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
  readonly drainDelay: number;
  readonly logLevel: string;
  /** About environment variables that are ignored. */
  readonly warnings: readonly string[];
}

const moreHelp = `Every option can be set by an environment variable: --token-file by
RUNNER_SERVER_TOKEN_FILE, lists separated by commas, --token by RUNNER_SERVER_TOKENS.
An empty one counts as unset.

The server also serves /healthz, /readyz and /metrics.

Example:
  runnerctl serve --data fixtures --token "$TOKEN" --host 0.0.0.0`;

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
    .addHelpText("after", () => `\n${wrapParagraphs(moreHelp, getColumns(process.stdout))}`)
    .allowExcessArguments()
    .hook("preAction", (command) => {
      const warnings = applyServeEnvironment(command);
      command.setOptionValue("warnings" satisfies keyof ServeOptions, warnings);
      checkTokensAndOrigins(command);
      checkOptionCombinations(command);
    });
  const add = (group: string, ...options: Option[]) => {
    for (const option of options) {
      command.addOption(option.helpGroup(group));
    }
  };
  add(
    "Fixtures:",
    listOption("--data <path...>", "files and folders of fixtures; reloaded on change"),
    flagOption("--sample", "the sample runners, in addition to --data"),
    flagOption("--lenient", "accept rule violations and unknown fields, and warn"),
  );
  add(
    "Address:",
    valueOption(
      "--host <address>",
      "address to listen on",
      "127.0.0.1",
      asArgParser(parseListenHost),
    ),
    valueOption("--port <number>", "port to listen on, 0 for any free port", 8080, parsePort),
    valueOption(
      "--path-prefix <path>",
      "also serve under this path, / for none",
      "/api",
      asArgParser((text) => parsePathPrefix(text) || "/"),
    ),
    valueOption("--tls-cert <file>", "certificate in PEM format; enables TLS"),
    valueOption("--tls-key <file>", "private key of the certificate, in PEM format"),
  );
  add(
    "Access:",
    listOption("--token <token...>", "bearer tokens to accept"),
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
    valueOption(
      "--drain-delay <time>",
      "time to keep accepting calls at shutdown",
      0,
      asArgParser(parseDurationOrZero),
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

function valueOption<T>(
  flags: string,
  description: string,
  defaultValue?: T,
  parse?: (text: string, previous: T | undefined) => T,
): Option {
  const option = new Option(flags, description).default(defaultValue);
  if (parse !== undefined) {
    option.argParser(parse);
  }
  return option;
}

function flagOption(flags: string, description: string): Option {
  return new Option(flags, description).default(false);
}

function listOption(flags: string, description: string): Option {
  return new ListOption(flags, description).default([]);
}

function durationOption(flags: string, description: string, defaultMs: number): Option {
  return valueOption(flags, description, defaultMs, asArgParser(parseDuration)).default(
    defaultMs,
    `${defaultMs / 1000}s`,
  );
}

/** Exits with a usage error for tokens and origins that can never match. It contains no token. */
function checkTokensAndOrigins(command: Command): void {
  const { token, corsOrigin } = command.opts<ServeOptions>();
  for (const [index, item] of token.entries()) {
    const fault = findTokenFault(item);
    if (fault !== undefined) {
      const isFromEnvironment = command.getOptionValueSource("token") === "env";
      const source = isFromEnvironment ? "RUNNER_SERVER_TOKENS" : "--token";
      command.error(`error: ${source}: token ${index + 1} ${fault}`);
    }
  }
  for (const item of corsOrigin) {
    if (item !== "*" && !isOrigin(item)) {
      command.error(
        `error: --cors-origin: '${item}' is not an origin; write it as https://app.example.com`,
      );
    }
  }
}

/** Exits with a usage error if a required option is missing or only valid with another one. */
function checkOptionCombinations(command: Command): void {
  const [argument] = command.args;
  if (argument !== undefined) {
    command.error(`error: serve takes no arguments; pass fixtures with --data ${argument}`);
  }
  const { data, sample, tlsCert, tlsKey } = command.opts<ServeOptions>();
  if (data.length === 0 && !sample) {
    command.error(
      "error: no runners to serve; pass files or folders of fixtures with --data, or use --sample",
    );
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    command.error("error: --tls-cert and --tls-key must be used together");
  }
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
