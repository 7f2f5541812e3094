import type { Command, Option } from "commander";
import { RunnerCapabilitySchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortNames } from "../../runner/enum-name.ts";
import { ListOption } from "../arguments.ts";
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
  // Includes the command `help`, and no hidden ones.
  const commands = program.createHelp().visibleCommands(program).map(describeCommand);
  const names = commands.map(({ name }) => name);
  return scriptRenderers[shell](
    describeCommand(program),
    commands.map((spec) => (spec.name === "help" ? { ...spec, choices: names } : spec)),
  );
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
  /** Whether the arguments are IDs of runners. */
  readonly takesIds: boolean;
}

interface OptionSpec {
  /** The short and the long flag: `-o` and `--output`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** The name of the value; undefined if the option takes none. */
  readonly value: string | undefined;
  /** Whether the option takes several words as values. */
  readonly variadic: boolean;
  /** Whether a value can be a list, separated by commas. */
  readonly list: boolean;
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
    takesIds: argument?.name() === "id",
  };
}

function describeOption(option: Option): OptionSpec {
  const value = /<(\w+)/.exec(option.flags)?.[1];
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    value,
    variadic: option.variadic,
    list: option instanceof ListOption,
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
  const values = optionsWithValue.map(({ pattern, file, list, choices }) =>
    file
      ? `  ${pattern}) files=1 ;;`
      : `  ${pattern}) ${list ? "list=1 " : ""}words='${choices.join(" ")}' ;;`,
  );
  const words = commands.map(
    ({ name, options, choices, takesIds }) =>
      `  ${name}:*) ${takesIds ? "ids=1 " : ""}words='${[...choices, ...options.flatMap(({ flags }) => flags)].join(" ")}' ;;`,
  );
  const topLevelWords = [
    ...commands.map(({ name }) => name),
    ...program.options.flatMap(({ flags }) => flags),
  ];
  const variadic = optionsWithValue.filter((option) => option.variadic);
  const { name } = program;
  return `# Bash completion for ${name}. To enable it: source <(${name} completion bash)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' option='' words='' files='' ids='' list='' word
  local last='' value='' prefix='' IFS=$' \\t\\n'
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
    IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  if [[ -n $ids && $current != -* ]]; then
    word=$("\${${name}_command[@]:-\${COMP_WORDS[0]}}" completion-ids "$COMP_LINE" 2>/dev/null | cut -f 1)
    words=\${word:-$words}
  fi
  # Of a list, only the last item is completed.
  word=$prefix$current
  [[ -n $list && $word == *,* ]] && list=\${word%,*}, || list=''
  COMPREPLY=($(compgen -P "$list" -W "$words" -- "\${word#"$list"}"))
  COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
}
complete -F _${name} ${name}
# Completes "npx ${name}", too, unless npx has a completion of its own.
_${name}_npx() {
  local -i i=1
  while [[ \${COMP_WORDS[i]} == -* ]]; do i+=1; done
  if ((COMP_CWORD == i)); then
    COMPREPLY=($(compgen -W ${name} -- "\${COMP_WORDS[i]}"))
  elif [[ \${COMP_WORDS[i]} == ${name} ]]; then
    local -a ${name}_command=(npx --no ${name})
    local -a COMP_WORDS=("\${COMP_WORDS[@]:i}")
    local COMP_CWORD=$((COMP_CWORD - i))
    _${name}
  fi
}
complete -p npx &>/dev/null || complete -o default -F _${name}_npx npx
`;
}

function renderZshScript(program: CommandSpec, commands: readonly CommandSpec[]): string {
  const descriptions = commands.map(({ name, description }) =>
    quoteForZsh(`${name}:${description}`),
  );
  const cases = commands.map((command) => {
    const { name, argument, options, choices, takesIds } = command;
    const ownArguments =
      argument === undefined
        ? []
        : takesIds
          ? [`*:${argument}:_${program.name}_ids`]
          : [`1:${argument}:${zshAction({ choices })}`];
    // Zsh completes only one value of an option. It treats further values as arguments, whose
    // completion can be defined only once.
    const otherArguments = options
      .filter(({ variadic, file, choices }) => variadic && (file || choices.length > 0))
      .slice(0, 1)
      .map((option) => `*:${option.value}:${zshAction(option)}`);
    const specs = [
      ...[...ownArguments, ...otherArguments].map(quoteForZsh),
      ...options.map(zshOptionSpecs),
    ];
    return `    ${name})\n      _arguments ${specs.join(" \\\n        ")}\n      ;;`;
  });
  const { name } = program;
  return `#compdef ${name}
# Zsh completion for ${name}. To enable it: source <(${name} completion zsh)
_${name}() {
  local curcontext=$curcontext state line
  local -a command_line=(\${${name}_command:-$words[1]})
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
_${name}_ids() {
  local -a ids=(\${(f)"$($command_line completion-ids "$BUFFER" 2>/dev/null)"})
  ids=(\${ids/$'\\t'/:})
  _describe runner ids
}
# Of a list, only the last item is completed.
_${name}_list() {
  compset -P '*,'
  compadd -- "$@"
}
# Completes "npx ${name}", too, unless npx has a completion of its own.
_${name}_npx() {
  local -i i=2
  while [[ $words[i] == -* ]] (( i++ ))
  if (( CURRENT == i )); then
    compadd ${name}
    _default
  elif [[ $words[i] == ${name} ]]; then
    local -a ${name}_command=(npx --no ${name})
    shift $((i - 1)) words
    (( CURRENT -= i - 1 ))
    _${name}
  else
    _default
  fi
}
(( $+_comps[npx] )) || compdef _${name}_npx npx
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

/** Returns the specs for `_arguments`, one per flag: `(-o --output)-o[explanation]:message:action`. */
function zshOptionSpecs(option: OptionSpec): string {
  const { flags, description, value, list } = option;
  const explanation = `[${description.replace(/[[\]\\]/g, "\\$&")}]`;
  const argument = value === undefined ? "" : `:${value}:${zshAction(option)}`;
  return flags
    .map((flag) => {
      const equals = value !== undefined && flag.startsWith("--") ? "=" : "";
      // A list may be repeated. The flags of other options exclude each other.
      const repetition = list ? "*" : `(${flags.join(" ")})`;
      return quoteForZsh(`${repetition}${flag}${equals}${explanation}${argument}`);
    })
    .join(" ");
}

/** Returns the action of a spec for `_arguments`: how to complete the value. */
function zshAction({
  file = false,
  list = false,
  choices,
}: Partial<OptionSpec> & Pick<OptionSpec, "choices">): string {
  if (file) {
    return "_files";
  }
  // The space keeps _arguments from adding arguments to the function.
  return list && choices.length > 0
    ? ` _runnerctl_list ${choices.join(" ")}`
    : `(${choices.join(" ")})`;
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
      const argument = command.takesIds ? `(__${name}_ids)` : command.choices.join(" ");
      return [
        `-n ${isTopLevel} -a ${command.name} -d ${quoteForFish(command.description)}`,
        ...(argument === "" ? [] : [`-n '${isInCommand}' -a ${quoteForFish(argument)}`]),
        ...command.options.flatMap((option) => fishOptionLines(isInCommand, option)),
      ];
    }),
  ];
  return `# Fish completion for ${name}. To enable it: ${name} completion fish | source
function __${name}_ids
    set -l command ${name}
    command -q ${name}; or set command npx --no ${name}
    $command completion-ids (commandline -c | string collect) 2>/dev/null
end
${lines.map((line) => `complete -c ${name} ${line}`).join("\n")}
# Completes "npx ${name}", too.
function __${name}_npx_words
    set -l words (commandline -opc)
    set -e words[1]
    while string match -q -- '-*' $words[1]
        set -e words[1]
    end
    string join \\n -- $words
end
function __${name}_npx
    set -l words (__${name}_npx_words)
    set -l current (commandline -ct)
    complete -C (string join ' ' -- (string escape -- $words))" $current"
end
complete -c npx -n 'not count (__${name}_npx_words) >/dev/null' -a ${name}
complete -c npx -n 'contains -- ${name} (__${name}_npx_words)[1]' -f -a '(__${name}_npx)'
`;
}

function fishOptionLines(condition: string, option: OptionSpec): string[] {
  const { flags, description, value, variadic, list, file, choices } = option;
  const flagArguments = flags.map((flag) => flag.replace(/^--/, "-l ").replace(/^-(?=\w$)/, "-s "));
  const words = choices.join(" ");
  const valueArguments = file
    ? "-F"
    : choices.length > 0
      ? `-a ${quoteForFish(list ? `(__fish_append , ${words})` : words)}`
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
