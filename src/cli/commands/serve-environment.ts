import type { Command, Option } from "commander";
import { flagFromVariable } from "../../client/environment.ts";
import { nearestName } from "../../runner/nearest-name.ts";
import { hasEmptyItem, ListOption } from "../arguments.ts";

const prefix = "RUNNER_SERVER_";

/** Returns the environment variable that sets an option of `runnerctl serve`. */
export function serveVariable(option: Option): string {
  // It is the only one that is not named after its option: --token takes several tokens.
  const name = option.name() === "token" ? "tokens" : option.name();
  return `${prefix}${name.replaceAll("-", "_").toUpperCase()}`;
}

/**
 * Sets the options of `runnerctl serve` that are not given to the command from environment
 * variables. A variable that is empty counts as unset. Invalid values are usage errors.
 *
 * Returns warnings about variables that look like options, but are ignored.
 */
export function applyServeEnvironment(
  command: Command,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] {
  const warnings: string[] = [];
  for (const option of command.options) {
    const variable = serveVariable(option);
    const text = env[variable] ?? "";
    const isGiven = command.getOptionValueSource(option.attributeName()) === "cli";
    if (text === "" || isGiven) {
      continue;
    }
    if (variable === "RUNNER_SERVER_PORT" && /^(tcp|udp|sctp):\/\//.test(text)) {
      warnings.push(
        `${variable}=${text} is ignored: Kubernetes sets it for a Service named runner-server; ` +
          "set the port with --port, or set enableServiceLinks: false",
      );
      continue;
    }
    const value = parseVariable(command, option, variable, text);
    command.setOptionValueWithSource(option.attributeName(), value, "env");
  }
  return [...warnings, ...warnAboutUnknown(command, env)];
}

function parseVariable(command: Command, option: Option, variable: string, text: string): unknown {
  try {
    if (option.isBoolean()) {
      return flagFromVariable(variable, { [variable]: text });
    }
    if (option instanceof ListOption && hasEmptyItem(text)) {
      throw new Error(`${variable} has an empty value`);
    }
    return option.parseArg === undefined ? text : option.parseArg<unknown>(text, undefined);
  } catch (error) {
    const { message } = error as Error;
    return command.error(
      message.startsWith(variable)
        ? `error: ${message}`
        : `error: option '${option.flags}' value '${text}' from env '${variable}' is invalid. ${message}`,
    );
  }
}

/** What Kubernetes adds to the name of a Service for the variables that it sets. */
const serviceLink =
  /_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** A variable with a typo, such as RUNNER_SERVER_TOKEN, must not leave the server open unnoticed. */
function warnAboutUnknown(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const known = command.options.map(serveVariable);
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.includes(name) && !serviceLink.test(name))
    .map((name) => {
      const nearest = nearestName(name, known);
      const hint = nearest === undefined ? "see serve --help" : `did you mean ${nearest}?`;
      return `${name} is ignored: no option has this variable; ${hint}`;
    });
}
