import type { Command, Option } from "commander";
import { RunnerCapabilitySchema } from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { enumShortNames } from "../../runner/enum-name.ts";
import { conditionNames } from "../condition.ts";

/** A shell that runnerctl has completion for. */
type Shell = keyof typeof scriptFor;

/** `runnerctl completion SHELL`: prints the script that completes runnerctl's command lines. */
export function completion(shell: Shell, program: Command): void {
  process.stdout.write(completionScript(shell, program));
}

/** Makes the script for a shell from the commands, options and choices that `program` has. */
export function completionScript(shell: Shell, program: Command): string {
  return scriptFor[shell](describeCommand(program), program.commands.map(describeCommand));
}

const scriptFor = { bash: bashScript, zsh: zshScript, fish: fishScript };

interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** The name of its argument. */
  readonly argument: string | undefined;
  /** What the argument may be, where that is known. */
  readonly choices: readonly string[];
}

interface CompletedOption {
  /** Its spellings: `-o` and `--output`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** The name of its value; undefined when it takes none. */
  readonly value: string | undefined;
  /** Whether several values may follow. */
  readonly variadic: boolean;
  /** Whether the value is a file. */
  readonly file: boolean;
  /** What the value may be, where that is known. */
  readonly choices: readonly string[];
}

function describeCommand(command: Command): CompletedCommand {
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    description: command.description(),
    options: command.createHelp().visibleOptions(command).map(describeOption),
    argument: argument?.name(),
    choices: argument?.argChoices ?? [],
  };
}

function describeOption(option: Option): CompletedOption {
  const value = /<(\w+)/.exec(option.flags)?.[1];
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    value,
    variadic: option.variadic,
    file: value === "file" || value === "path",
    choices: namesFor[option.long ?? ""] ?? option.argChoices ?? [],
  };
}

/** The values that commander does not know as choices, since they are taken in any spelling. */
const namesFor: Readonly<Record<string, readonly string[]>> = {
  "--capability": enumShortNames(RunnerCapabilitySchema),
  "--for": conditionNames(),
};

function bashScript(program: CompletedCommand, commands: readonly CompletedCommand[]): string {
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
  const first = [
    ...commands.map(({ name }) => name),
    ...program.options.flatMap(({ flags }) => flags),
  ];
  const variadic = optionsWithValue.filter((option) => option.variadic);
  const { name } = program;
  return `# Completes ${name} in bash. To use it: source <(${name} completion bash)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' option='' words='' files='' word
  local last='' value='' start=''
  local -a before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  # Bash takes "=" for a word of its own.
  [[ $current == = ]] && before+=(=) current=''
  # Finds the command, the option whose value is being typed, and the start of that value.
  for word in "\${before[@]}"; do
    start=''
    case $word in
    =)
      # After an option it stands before the value; after a value it is a part of it.
      [[ -z $option ]] && option=$last start=$value=
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
  :*) words='${first.join(" ")}' ;;
  esac
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$start$current"))
    COMPREPLY=("\${COMPREPLY[@]#"$start"}")
  fi
}
complete -F _${name} ${name}
`;
}

function zshScript(program: CompletedCommand, commands: readonly CompletedCommand[]): string {
  const described = commands.map(({ name, description }) => zshQuoted(`${name}:${description}`));
  const cases = commands.map((command) => {
    const { name, argument, options, choices } = command;
    const first = argument === undefined ? [] : [`1:${argument}:${zshValues(false, choices)}`];
    // Zsh completes one value of an option: the others count as arguments that follow it.
    const rest = options
      .filter(({ variadic }) => variadic)
      .map(({ value, file, choices }) => `*:${value}:${zshValues(file, choices)}`);
    const specs = [...[...first, ...rest].map(zshQuoted), ...options.map(zshOption)];
    return `    ${name})\n      _arguments ${specs.join(" \\\n        ")}\n      ;;`;
  });
  const { name } = program;
  return `#compdef ${name}
# Completes ${name} in zsh. To use it: source <(${name} completion zsh)
_${name}() {
  local curcontext=$curcontext state line
  local -a commands=(
    ${described.join("\n    ")}
  )
  _arguments -C ${program.options.map(zshOption).join(" ")} '1:command:->command' '*::argument:->argument'
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

function zshOption({ flags, description, value, file, choices }: CompletedOption): string {
  const what = `[${description.replace(/[[\]\\]/g, "\\$&")}]`;
  const values = value === undefined ? "" : `:${value}:${zshValues(file, choices)}`;
  return flags
    .map((flag) => {
      const equals = value !== undefined && flag.startsWith("--") ? "=" : "";
      return zshQuoted(`(${flags.join(" ")})${flag}${equals}${what}${values}`);
    })
    .join(" ");
}

function zshValues(file: boolean, choices: readonly string[]): string {
  return file ? "_files" : `(${choices.join(" ")})`;
}

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishScript(program: CompletedCommand, commands: readonly CompletedCommand[]): string {
  const { name } = program;
  const atFirst = "__fish_use_subcommand";
  const lines = [
    "-f",
    ...program.options.flatMap((option) => fishOption(atFirst, option)),
    ...commands.flatMap((command) => {
      const after = `__fish_seen_subcommand_from ${command.name}`;
      return [
        `-n ${atFirst} -a ${command.name} -d ${fishQuoted(command.description)}`,
        ...(command.choices.length > 0
          ? [`-n '${after}' -a ${fishQuoted(command.choices.join(" "))}`]
          : []),
        ...command.options.flatMap((option) => fishOption(after, option)),
      ];
    }),
  ];
  return `# Completes ${name} in fish. To use it: ${name} completion fish | source
${lines.map((line) => `complete -c ${name} ${line}`).join("\n")}
`;
}

function fishOption(condition: string, option: CompletedOption): string[] {
  const { flags, description, value, variadic, file, choices } = option;
  const spellings = flags.map((flag) => flag.replace(/^--/, "-l ").replace(/^-(?=\w$)/, "-s "));
  const values = file ? "-F" : choices.length > 0 ? `-a ${fishQuoted(choices.join(" "))}` : "";
  const required = value === undefined ? "" : file ? "-r" : "-x";
  const line = [
    "-n",
    `'${condition}'`,
    ...spellings,
    required,
    values,
    "-d",
    fishQuoted(description),
  ];
  // Fish completes one value of an option: the others count as arguments that follow it.
  const long = flags.at(-1)?.replace(/^--/, "");
  const more = ["-n", `'${condition}; and __fish_contains_opt ${long}'`, values];
  return (variadic ? [line, more] : [line]).map((parts) => parts.filter(Boolean).join(" "));
}

function fishQuoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
