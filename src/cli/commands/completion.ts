import type { Command, Option } from "commander";
import { RunnerCapabilitySchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortNames } from "../../runner/enum-name.ts";
import { conditionNames } from "../condition.ts";
import { writeOutput } from "../output/standard-output.ts";

/** A shell with support for completion. */
type Shell = keyof typeof scriptRenderers;

/** `runnerctl completion SHELL`: prints the completion script for a shell. */
export function completion(shell: Shell, program: Command): void {
  writeOutput(createCompletionScript(shell, program));
}

/** Generates the completion script for a shell from the commands and options of `program`. */
export function createCompletionScript(shell: Shell, program: Command): string {
  return scriptRenderers[shell](describeCommand(program), program.commands.map(describeCommand));
}

const scriptRenderers = { bash: renderBashScript, zsh: renderZshScript, fish: renderFishScript };

interface CommandSpec {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionSpec[];
  /** The name of the argument; undefined if the command has none. */
  readonly argument: string | undefined;
  /** The possible values of the argument; empty if it can be anything. */
  readonly choices: readonly string[];
}

interface OptionSpec {
  /** The short and the long flag: `-o` and `--output`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** The name of the value; undefined if the option takes none. */
  readonly value: string | undefined;
  /** Whether the option takes several values. */
  readonly variadic: boolean;
  /** Whether the value is a path. */
  readonly file: boolean;
  /** The possible values; empty if the value can be anything. */
  readonly choices: readonly string[];
}

function describeCommand(command: Command): CommandSpec {
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    description: command.description(),
    options: command.createHelp().visibleOptions(command).map(describeOption),
    argument: argument?.name(),
    choices: argument?.argChoices ?? [],
  };
}

function describeOption(option: Option): OptionSpec {
  const value = /<(\w+)/.exec(option.flags)?.[1];
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    value,
    variadic: option.variadic,
    file: value === "file" || value === "path",
    choices: nameChoices[option.long ?? ""] ?? option.argChoices ?? [],
  };
}

/**
 * The choices of the options whose values are names. They are not choices in
 * commander, which would reject other spellings of the names.
 */
const nameChoices: Readonly<Record<string, readonly string[]>> = {
  "--capability": enumShortNames(RunnerCapabilitySchema),
  "--for": conditionNames(),
};

function renderBashScript(program: CommandSpec, commands: readonly CommandSpec[]): string {
  const optionsWithValue = commands.flatMap((command) =>
    command.options
      .filter(({ value }) => value !== undefined)
      .map((option) => ({
        ...option,
        pattern: option.flags.map((flag) => `${command.name}:${flag}`).join("|"),
      })),
  );
  const values = optionsWithValue.map(({ pattern, file, choices }) =>
    file ? `  ${pattern}) files=1 ;;` : `  ${pattern}) words='${choices.join(" ")}' ;;`,
  );
  const words = commands.map(
    ({ name, options, choices }) =>
      `  ${name}:*) words='${[...choices, ...options.flatMap(({ flags }) => flags)].join(" ")}' ;;`,
  );
  const topLevelWords = [
    ...commands.map(({ name }) => name),
    ...program.options.flatMap(({ flags }) => flags),
  ];
  const variadic = optionsWithValue.filter((option) => option.variadic);
  const { name } = program;
  return `# Bash completion for ${name}. To enable it: source <(${name} completion bash)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' option='' words='' files='' word
  local last='' value='' prefix=''
  local -a before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  # Bash splits words at "=", and makes "=" a word of its own.
  [[ $current == = ]] && before+=(=) current=''
  # Find the command, the option whose value is being typed, and the prefix of that value.
  for word in "\${before[@]}"; do
    prefix=''
    case $word in
    =)
      # After an option, "=" precedes the value. After a value, it is part of the value.
      [[ -z $option ]] && option=$last prefix=$value=
      ;;
    -*) option=$word ;;
    *)
      case $command:$option in
      :*) command=$word ;;
      ${variadic.map(({ pattern }) => pattern).join("|")}) ;;
      *) last=$option value=$word option='' ;;
      esac
      ;;
    esac
  done
  [[ $current == -* ]] && option=''
  case $command:$option in
${values.join("\n")}
${words.join("\n")}
  :*) words='${topLevelWords.join(" ")}' ;;
  esac
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$prefix$current"))
    COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  fi
}
complete -F _${name} ${name}
`;
}

function renderZshScript(program: CommandSpec, commands: readonly CommandSpec[]): string {
  const descriptions = commands.map(({ name, description }) =>
    quoteForZsh(`${name}:${description}`),
  );
  const cases = commands.map((command) => {
    const { name, argument, options, choices } = command;
    const firstArgument =
      argument === undefined ? [] : [`1:${argument}:${zshAction(false, choices)}`];
    // Zsh completes only one value of an option. It treats further values as arguments.
    const otherArguments = options
      .filter(({ variadic }) => variadic)
      .map(({ value, file, choices }) => `*:${value}:${zshAction(file, choices)}`);
    const specs = [
      ...[...firstArgument, ...otherArguments].map(quoteForZsh),
      ...options.map(zshOptionSpecs),
    ];
    return `    ${name})\n      _arguments ${specs.join(" \\\n        ")}\n      ;;`;
  });
  const { name } = program;
  return `#compdef ${name}
# Zsh completion for ${name}. To enable it: source <(${name} completion zsh)
_${name}() {
  local curcontext=$curcontext state line
  local -a commands=(
    ${descriptions.join("\n    ")}
  )
  _arguments -C ${program.options.map(zshOptionSpecs).join(" ")} '1:command:->command' '*::argument:->argument'
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
${cases.join("\n")}
    esac
    ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

/** Returns the specs for `_arguments`, one per flag: `(-o --output)-o[explanation]:message:action`. */
function zshOptionSpecs({ flags, description, value, file, choices }: OptionSpec): string {
  const explanation = `[${description.replace(/[[\]\\]/g, "\\$&")}]`;
  const argument = value === undefined ? "" : `:${value}:${zshAction(file, choices)}`;
  return flags
    .map((flag) => {
      const equals = value !== undefined && flag.startsWith("--") ? "=" : "";
      return quoteForZsh(`(${flags.join(" ")})${flag}${equals}${explanation}${argument}`);
    })
    .join(" ");
}

/** Returns the action of a spec for `_arguments`: how to complete the value. */
function zshAction(file: boolean, choices: readonly string[]): string {
  return file ? "_files" : `(${choices.join(" ")})`;
}

function quoteForZsh(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function renderFishScript(program: CommandSpec, commands: readonly CommandSpec[]): string {
  const { name } = program;
  const isTopLevel = "__fish_use_subcommand";
  const lines = [
    "-f",
    ...program.options.flatMap((option) => fishOptionLines(isTopLevel, option)),
    ...commands.flatMap((command) => {
      const isInCommand = `__fish_seen_subcommand_from ${command.name}`;
      return [
        `-n ${isTopLevel} -a ${command.name} -d ${quoteForFish(command.description)}`,
        ...(command.choices.length > 0
          ? [`-n '${isInCommand}' -a ${quoteForFish(command.choices.join(" "))}`]
          : []),
        ...command.options.flatMap((option) => fishOptionLines(isInCommand, option)),
      ];
    }),
  ];
  return `# Fish completion for ${name}. To enable it: ${name} completion fish | source
${lines.map((line) => `complete -c ${name} ${line}`).join("\n")}
`;
}

function fishOptionLines(condition: string, option: OptionSpec): string[] {
  const { flags, description, value, variadic, file, choices } = option;
  const flagArguments = flags.map((flag) => flag.replace(/^--/, "-l ").replace(/^-(?=\w$)/, "-s "));
  const valueArguments = file
    ? "-F"
    : choices.length > 0
      ? `-a ${quoteForFish(choices.join(" "))}`
      : "";
  const required = value === undefined ? "" : file ? "-r" : "-x";
  const line = [
    "-n",
    `'${condition}'`,
    ...flagArguments,
    required,
    valueArguments,
    "-d",
    quoteForFish(description),
  ];
  // Fish completes only one value of an option. It treats further values as arguments.
  const longName = flags.at(-1)?.replace(/^--/, "");
  const furtherValues = [
    "-n",
    `'${condition}; and __fish_contains_opt ${longName}'`,
    valueArguments,
  ];
  return (variadic ? [line, furtherValues] : [line]).map((parts) =>
    parts.filter(Boolean).join(" "),
  );
}

function quoteForFish(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
