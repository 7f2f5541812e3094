import { type Command, CommanderError, type Option } from "commander";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { applyServeEnvironment, serveVariable } from "../../src/cli/commands/serve-environment.ts";
import { program } from "../../src/cli/program.ts";
import { environmentVariables } from "../../src/client/environment.ts";
import { startRunnerctl } from "../support/runnerctl.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const id = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const serve = program.commands.find((command) => command.name() === "serve") as Command;

const valueOptions = program.commands.flatMap((command) =>
  command.options
    .filter((option) => option.required)
    .map((option) => ({ name: `${command.name()} ${option.long}`, command, option })),
);

/** Parses a command line up to an unknown option, so that no action runs, and returns its options. */
async function parse(command: Command, args: readonly string[]): Promise<object> {
  const end = ["--unknown"];
  const error = await program
    .parseAsync([command.name(), ...args, ...end], { from: "user" })
    .catch((error) => error);
  expect(error).toBeInstanceOf(CommanderError);
  expect(error.message).toMatch(/unknown option '--unknown'|required option '.*' not specified/);
  const options: object = { ...command.opts() };
  return options;
}

/** Returns a value of an option that is not its default, and what it is parsed to. */
function exampleOf(option: Option): string {
  const examples: Record<string, string> = {
    "<number>": "7",
    "<n>": "7",
    "<time>": "7s",
    "<duration>": "7s",
    "<path>": "/seven",
    "<origin...>": "https://seven.example.com",
  };
  const [placeholder = ""] = /<.*>/.exec(option.flags) ?? [];
  return option.argChoices?.at(-1) ?? examples[placeholder] ?? "seven";
}

beforeAll(() => void vi.spyOn(process.stderr, "write").mockReturnValue(true));
afterAll(() => void vi.restoreAllMocks());

describe("an empty value", () => {
  test("is tried for all options that have one", () => {
    expect(valueOptions.length).toBeGreaterThan(45);
  });

  test.each(valueOptions)("of $name counts as unset", async ({ command, option }) => {
    const long = option.long as string;
    const unset = await parse(command, []);
    expect(await parse(command, [long, ""])).toEqual(unset);
    expect(await parse(command, [`${long}=`])).toEqual(unset);
    // It is not the first of two.
    const value = exampleOf(option);
    const set = await parse(command, [long, value]);
    expect(set).not.toEqual(unset);
    expect(await parse(command, [long, "", long, value])).toEqual(set);
  });

  test.each(["verify --capability", "wait --for"])("of %s is one that is missing", (name) => {
    const { option } = valueOptions.find((other) => other.name === name) ?? {};
    expect(option?.mandatory).toBe(true);
  });
});

describe("a variable of serve", () => {
  beforeEach(async () => {
    await parse(serve, []);
  });

  test.each(serve.options.map((option) => ({ name: serveVariable(option), option })))(
    "$name sets its option, and counts as unset if it is empty",
    ({ name, option }) => {
      const unset = { ...serve.opts() };
      expect(applyServeEnvironment(serve, { [name]: "" })).toEqual([]);
      expect(applyServeEnvironment(serve, { [name]: undefined })).toEqual([]);
      expect(serve.opts()).toEqual(unset);
      const value = option.isBoolean() ? "true" : exampleOf(option);
      expect(applyServeEnvironment(serve, { [name]: value })).toEqual([]);
      const set = { ...serve.opts() };
      expect(set).not.toEqual(unset);
      expect(serve.getOptionValueSource(option.attributeName())).toBe("env");
    },
  );

  test("that is unknown is reported", () => {
    expect(applyServeEnvironment(serve, { RUNNER_SERVER_TOKEN: "secret" })).toEqual([
      "RUNNER_SERVER_TOKEN is ignored: no option has this variable; did you mean RUNNER_SERVER_TOKENS?",
    ]);
  });

  test("that Kubernetes sets for a Service named runner-server is ignored", () => {
    const unset = { ...serve.opts() };
    const address = "tcp://10.96.12.7:8080";
    const warnings = applyServeEnvironment(serve, {
      RUNNER_SERVER_SERVICE_HOST: "10.96.12.7",
      RUNNER_SERVER_SERVICE_PORT: "8080",
      RUNNER_SERVER_SERVICE_PORT_HTTP: "8080",
      RUNNER_SERVER_PORT: address,
      RUNNER_SERVER_PORT_8080_TCP: address,
      RUNNER_SERVER_PORT_8080_TCP_PROTO: "tcp",
      RUNNER_SERVER_PORT_8080_TCP_PORT: "8080",
      RUNNER_SERVER_PORT_8080_TCP_ADDR: "10.96.12.7",
      // Those of another Service.
      RUNNER_SERVER_METRICS_SERVICE_HOST: "10.96.12.8",
      RUNNER_SERVER_METRICS_PORT: "udp://10.96.12.8:9090",
    });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^RUNNER_SERVER_PORT=tcp:\/\/10\.96\.12\.7:8080 is ignored: Kubernetes/,
      ),
    ]);
    expect(serve.opts()).toEqual(unset);
  });

  test("cannot be one that Kubernetes sets for any other Service", () => {
    const { token, baseUrl, allowCleartextToken } = environmentVariables;
    const names = [...serve.options.map(serveVariable), ...token, ...baseUrl, allowCleartextToken];
    const suffix = /_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)$/;
    expect(names.filter((name) => suffix.test(name))).toEqual(["RUNNER_SERVER_PORT"]);
  });
});

test("serve starts although all of its variables are empty", async () => {
  const names = serve.options.map(serveVariable);
  const env = Object.fromEntries([...names, "NO_COLOR", "TERM"].map((name) => [name, ""]));
  const server = startRunnerctl(["serve", "--sample", "--port", "0"], env);
  await server.waitForStdout(/Serving 6 runners on http:\/\/127\.0\.0\.1:/);
  server.process.kill();
  expect(await server.exited).toMatchObject({ code: 0, stderr: "" });
});

test("serve logs that it ignores a variable of Kubernetes", async () => {
  const env = { RUNNER_SERVER_PORT: "tcp://10.96.12.7:8080" };
  const server = startRunnerctl(["serve", "--sample"], env);
  await server.waitForStderr(
    /"level":40,.*RUNNER_SERVER_PORT=tcp:\/\/10\.96\.12\.7:8080 is ignored/,
  );
  server.process.kill();
  await server.exited;
});

test("commands make their call although all of their variables are empty", async () => {
  const { token, baseUrl, allowCleartextToken } = environmentVariables;
  const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"];
  const names = [
    ...[...token, ...baseUrl, allowCleartextToken, "RUNNER_SERVER_DATA", "NO_COLOR", "TERM"],
    ...proxies,
    ...proxies.map((name) => name.toLowerCase()),
  ];
  const env = Object.fromEntries(names.map((name) => [name, ""]));
  const server = startRunnerctl(["serve", "--sample", "--port", "0"]);
  const [, url = ""] = await server.waitForStdout(/on (http:\S+)\n/);
  const empty = ["--token-file", "", "--timeout", "", "-o", ""];
  const get = startRunnerctl(["get", id, "--base-url", url, ...empty], env);
  expect(await get.exited).toMatchObject({ code: 0, stderr: "" });
  server.process.kill();
  await server.exited;
});
