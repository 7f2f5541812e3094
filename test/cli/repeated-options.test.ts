import { type Command, CommanderError, type Option } from "commander";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { program } from "../../src/cli/program.ts";
import { runRunnerctl } from "../support/runnerctl.ts";

/** The options that accumulate. All others are a usage error when they are given twice. */
const lists = [
  "serve --cors-origin",
  "serve --data",
  "serve --token",
  "verify --capability",
  "wait --for",
];

const allOptions = [program, ...program.commands].flatMap((command) =>
  command.options.map((option) => ({
    name: command === program ? `${option.long}` : `${command.name()} ${option.long}`,
    command,
    option,
  })),
);

function exampleOf({ argChoices, flags }: Option): string {
  return (
    argChoices?.[0] ??
    (/duration|time>/.test(flags) ? "5s" : /origin/.test(flags) ? "https://seven" : "7")
  );
}

/** Parses the option twice, and returns the usage error. No action runs. */
async function parseTwice(command: Command, option: Option): Promise<string> {
  const once = [option.long ?? "", ...(option.required ? [exampleOf(option)] : [])];
  const prefix = command === program ? [] : [command.name()];
  try {
    // The unknown option is the error of options that may be given twice.
    await program.parseAsync([...prefix, ...once, ...once, "--unknown"], { from: "user" });
    return "";
  } catch (error) {
    expect(error).toBeInstanceOf(CommanderError);
    return (error as CommanderError).message;
  }
}

describe("an option that is given twice", () => {
  beforeAll(() => void vi.spyOn(process.stderr, "write").mockReturnValue(true));
  afterAll(() => void vi.restoreAllMocks());

  const notPrintingVersion = allOptions.filter(({ name }) => name !== "--version");

  test.each(notPrintingVersion.filter(({ name }) => !lists.includes(name)))(
    "$name is a usage error",
    async ({ command, option }) => {
      expect(await parseTwice(command, option)).toBe(
        `error: option '${option.flags}' is given twice; give it once`,
      );
    },
  );

  test.each(notPrintingVersion.filter(({ name }) => lists.includes(name)))(
    "$name accumulates",
    async ({ command, option }) => {
      expect(await parseTwice(command, option)).toBe("error: unknown option '--unknown'");
      expect(command.opts()[option.attributeName()]).toEqual([
        exampleOf(option),
        exampleOf(option),
      ]);
    },
  );

  test("is found for all lists", () => {
    const names = allOptions.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(lists));
    expect(names.length).toBeGreaterThan(60);
  });
});

describe("runnerctl", () => {
  const id = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";

  test.each([
    [
      ["get", id, "--timeout", "5s", "--timeout=5s"],
      "option '--timeout <duration>' is given twice",
    ],
    [
      ["get", "-o", "json", id, "--output", "yaml"],
      "option '-o, --output <format>' is given twice",
    ],
    [
      ["serve", "--sample", "--port", "0", "--port", "0"],
      "option '--port <number>' is given twice",
    ],
    [["serve", "--lenient", "--sample", "--lenient"], "option '--lenient' is given twice"],
    // An empty value counts as unset, and these options are required.
    [["verify", id, "--capability", ""], "required option '--capability <name>' not specified"],
    [["verify", id, "--capability", "a,,b"], "option '--capability <name>' has an empty value"],
    [["wait", id, "--for="], "required option '--for <condition>' not specified"],
    [["wait", id, "--for", " , deleted"], "option '--for <condition>' has an empty value"],
    [["serve", "--sample", "--token", "a,"], "option '--token <token...>' has an empty value"],
  ])("%j exits with 2", async (args, message) => {
    const { code, stdout, stderr } = await runRunnerctl(args, { ONA_BASE_URL: "http://[::1]:1" });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});
