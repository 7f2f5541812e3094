import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { createHostileResponse, findUnsafe, hostileText } from "../support/hostile-text.ts";
import { startRunnerctl } from "../support/runnerctl.ts";
import { getRunnerPath } from "../support/server.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { startRunnerctlOn, type TerminalProcess } from "../support/terminal.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const id = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const otherId = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const hostile = createHostileResponse();
// The name of a file. It may have 255 bytes.
const hostileName = hostileText;
// Node.js encodes headers as Latin-1, and rejects C0 and DEL.
const hostileHeader = hostileText.replace(/[^\u0080-\u009fx]/g, "");

/** Responses by the path below which GetRunner is called. */
const responses: Record<string, { status?: number; header?: object; body: string }> = {
  runner: { body: JSON.stringify(hostile) },
  error: {
    status: 400,
    body: JSON.stringify({
      code: "invalid_argument",
      message: hostileText,
      details: [
        {
          type: "buf.validate.Violations",
          value: base64Encode(
            toBinary(
              ViolationsSchema,
              create(ViolationsSchema, {
                violations: [
                  {
                    message: `${hostileText}!`,
                    ruleId: hostileText,
                    field: { elements: [{ fieldName: hostileText }] },
                  },
                ],
              }),
            ),
          ),
        },
      ],
    }),
  },
  "unknown-code": {
    status: 500,
    body: JSON.stringify({ code: hostileText, message: hostileText }),
  },
  page: { status: 502, header: { "Content-Type": "text/html" }, body: `<p>${hostileText}` },
  type: { status: 200, header: { "Content-Type": hostileHeader }, body: hostileText },
  redirect: { status: 302, header: { Location: `/${hostileHeader}?${hostileHeader}` }, body: "" },
  "invalid-json": { body: `{"runner":${hostileText}` },
  readyz: { status: 503, header: { "Content-Type": "text/plain" }, body: hostileText },
  "wrong-type": { body: JSON.stringify({ runner: { name: [hostileText], spec: hostileText } }) },
};

let url: string;
const server = createServer((request, response) => {
  const {
    status = 200,
    header,
    body,
  } = responses[request.url?.split("/")[1] ?? ""] ?? { body: "" };
  response.writeHead(status, {
    "Content-Type": "application/json",
    "X-Request-Id": hostileHeader,
    Server: hostileHeader,
    ...header,
  });
  response.end(body);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const commands: Record<string, readonly string[]> = {
  get: ["get", id],
  status: ["status", id],
  config: ["config", id],
  verify: ["verify", id, "--capability", "warm-pool"],
  wait: ["wait", id, "--for", "phase=active", "--interval", "50ms", "--timeout", "2s"],
};

describe.concurrent("a runner with hostile text in every field", () => {
  test.for(Object.keys(commands))("is safe in text of %s", async (command, { expect }) => {
    const args = commands[command] ?? [];
    const { output } = await runOnTerminal([...args, "--base-url", `${url}/runner`]);
    expect(findUnsafe(output)).toEqual([]);
    if (command !== "verify") {
      expect(output).toContain("\ufffd");
    }
  });

  test.for(
    Object.keys(commands).flatMap((command) => [
      [command, "json"] as const,
      [command, "yaml"] as const,
    ]),
  )("is safe and unchanged in %s -o %s", async ([command, format], { expect }) => {
    const args = [...(commands[command] ?? []), "-o", format, "--base-url", `${url}/runner`];
    const { output } = await runOnTerminal(args);
    expect(findUnsafe(output)).toEqual([]);
    // `wait` also has a status line and an error line.
    const text = output
      .replaceAll("\r\n", "\n")
      .replaceAll("\x1b", "␛")
      .replace(/[^\n]*\r␛\[K/g, "")
      .replace(/^runnerctl: .*\n/gm, "");
    const value = format === "json" ? JSON.parse(text) : parse(text);
    if (command === "get") {
      expect(value).toEqual(hostile);
    } else {
      expect(value.name).toBe(hostile.runner.name);
    }
  });

  test.for(["text", "json", "yaml"])("is safe in watch -o %s", async (format, { expect }) => {
    const args = ["watch", id, "--interval", "50ms", "-o", format, "--base-url", `${url}/runner`];
    await using watch = startRunnerctlOn(args);
    await watch.waitForLines(
      format === "text" ? /capabilities/ : format === "json" ? /\}\n?$/ : /gateway/,
    );
    watch.type("\x03");
    const { output } = await watch.exited;
    expect(findUnsafe(output.replace("^C", ""))).toEqual([]);
    const text = output.replace("^C", "").replace(/\r\n/g, "\n");
    if (format === "json") {
      expect(JSON.parse(text).status.name).toBe(hostile.runner.name);
    } else if (format === "yaml") {
      expect(parseAllDocuments(text)[0]?.toJS().status.name).toBe(hostile.runner.name);
    }
  });
});

describe.concurrent("hostile text is safe in", () => {
  test.for([
    ["several runners", `get ${id} ${otherId} --base-url URL/runner`],
    ["errors of several runners", `get ${id} ${otherId} --base-url URL/error`],
    ["the log of requests", `get ${id} -v --base-url URL/runner`],
    ["the log of failed requests", `get ${id} -v --base-url URL/page`],
    ["what is known of a server", "version --server --base-url URL"],
    ["what is known of a server as JSON", "version --server -o json --base-url URL"],
    ["the path of a request", `get ${id} -v --base-url URL/page/HOSTILE`],
    [
      "a command for curl",
      `get ${id} --as-curl --base-url URL/HOSTILE --token-file FOLDER/HOSTILE.t`,
    ],
    ["completions of IDs", "completion-ids runnerctl_get_"],
  ] as const)("%s", async ([, line], context) => {
    const { expect } = context;
    const folder = makeTempFolder(context);
    folder.write(`${hostileName}.t`, "token");
    writeRunners(folder.path);
    const args = line
      .split(" ")
      .map((arg) =>
        arg
          .replace("URL", url)
          .replace("FOLDER", folder.path)
          .replace("HOSTILE", hostileText)
          .replaceAll("_", " "),
      );
    const env = { RUNNER_SERVER_DATA: folder.path, ONA_BASE_URL: url };
    const { output } = await runOnTerminal(args, env);
    // Completions are separated from descriptions by a tab, for the shell.
    expect(findUnsafe(output.replaceAll(/^([-\w]{36})\t/gm, "$1 "))).toEqual([]);
    expect(output.length).toBeGreaterThan(40);
  });
});

describe.concurrent("hostile text is safe in the error", () => {
  test.for(Object.keys(responses).filter((path) => path !== "runner"))(
    "of a server that responds with %s",
    async (path, { expect }) => {
      const args = ["get", id, "--base-url", `${url}/${path}`, "--timeout", "3s"];
      const { code, output } = await runOnTerminal(args);
      expect(findUnsafe(output)).toEqual([]);
      expect(code).not.toBe(0);
      expect(output).toMatch(/^runnerctl: .*\r\n$/);
    },
  );

  // "HOSTILE" stands for the text, which must not be in the name of a test either.
  test.for([
    "HOSTILE",
    "--HOSTILE",
    "get HOSTILE",
    `get ${id} -o HOSTILE`,
    `get ${id} --base-url HOSTILE`,
    `get ${id} --base-url http://HOSTILE`,
    `get ${id} --token-file HOSTILE`,
    `get ${id} --timeout HOSTILE`,
    `verify ${id} --capability HOSTILE`,
    `wait ${id} --for HOSTILE`,
    `wait ${id} --for health=HOSTILE`,
    `wait ${id} --for capability=HOSTILE`,
    "completion HOSTILE",
    "help HOSTILE",
    "serve --data HOSTILE",
    "serve --data examples/runners --port HOSTILE",
    "serve --data examples/runners --host HOSTILE",
    "serve --data examples/runners --host HOSTILE --token t",
    "serve --data examples/runners --tls-cert HOSTILE --tls-key HOSTILE",
    "serve --data examples/runners --token-file HOSTILE",
    "serve --data examples/runners --log-level HOSTILE",
  ])("about the arguments %s", async (line, { expect }) => {
    const args = line.split(" ").map((arg) => arg.replace("HOSTILE", hostileText));
    const { code, output } = await runOnTerminal(args);
    expect(findUnsafe(output)).toEqual([]);
    expect(code).not.toBe(0);
  });

  test.for([
    ["get", "ONA_BASE_URL"],
    ["get", "HTTP_PROXY"],
    ["get", "ONA_API_KEY"],
    ["serve", "RUNNER_SERVER_PORT"],
    ["serve", "RUNNER_SERVER_LENIENT"],
    ["serve", "RUNNER_SERVER_DATA"],
  ])("of %s about the environment variable %s", async ([command = "", name = ""], { expect }) => {
    const args = command === "get" ? [command, id] : [command];
    const env = {
      ONA_BASE_URL: name === "HTTP_PROXY" ? "http://runner.invalid" : `${url}/error`,
      RUNNER_SERVER_DATA: "examples/runners",
      [name]: hostileText,
    };
    const { code, output } = await runOnTerminal(args, env);
    expect(findUnsafe(output)).toEqual([]);
    expect(code).not.toBe(0);
  });
});

describe.concurrent("serve is safe with hostile text", () => {
  test("in the names of files and fields, and in values, of invalid fixtures", async (context) => {
    const { expect } = context;
    const folder = makeTempFolder(context);
    folder.write(`${hostileName}/fields.json`, JSON.stringify(hostile));
    folder.write(`${hostileName}.yaml`, `runner:\n  ? ${JSON.stringify(hostileText)}\n  : 1\n`);
    folder.write(`${hostileName}.json`, `{"runner": {"name": ${hostileText}`);
    folder.write("key.json", JSON.stringify({ [hostileText]: 1, $serve: { [hostileText]: 1 } }));
    folder.write("heartbeat.json", JSON.stringify({ $serve: { heartbeat: hostileText } }));
    const { code, output } = await runOnTerminal([
      ...["serve", "--data", folder.path, "--log-level", "error"],
    ]);
    expect(code).toBe(1);
    expect(findUnsafe(output)).toEqual([]);
    // One line for each problem: none of the line breaks is part of a name or a value.
    const lines = output.trimEnd().split("\r\n");
    expect(lines.length).toBeGreaterThan(20);
    const start = /^(runnerctl: )?\S+runner-service-\w+\/(x|key\.json|heartbeat\.json)/;
    expect(lines.filter((line) => !start.test(line))).toEqual([]);
  });

  test("in the banner and in the log on a terminal", async (context) => {
    const { expect } = context;
    const folder = makeTempFolder(context);
    writeRunners(folder.path);
    await using serve = startRunnerctlOn(
      ["serve", "--lenient", "--data", folder.path, "--port", "0", "--log-level", "trace"],
      { columns: 1000 },
    );
    const [, port] = await serve.waitForLines(/on http:\/\/127\.0\.0\.1:(\d+)\n[\s\S]*Try:/);
    await sendHostileRequests(Number(port));
    await serve.waitForLines(/GetRunner invalid_argument/);
    folder.write("new.json", `{"runner": {"name": "${hostileText}`);
    await serve.waitForLines(/not reloaded/);
    expect(await interrupt(serve)).toBe(0);
    expect(findUnsafe(serve.output)).toEqual([]);
    expect(serve.output).toContain('"runnerId":"x\ufffd');
  });

  test("in the log in a pipe, which keeps the text as it is", async (context) => {
    const { expect } = context;
    const folder = makeTempFolder(context);
    writeRunners(folder.path);
    const serve = startRunnerctl(["serve", "--lenient", "--data", folder.path, "--port", "0"]);
    context.onTestFinished(() => void serve.process.kill("SIGKILL"));
    const [, port] = await serve.waitForStdout(/on http:\/\/127\.0\.0\.1:(\d+)\n/);
    await sendHostileRequests(Number(port));
    folder.write("new.json", `{"runner": {"name": "${hostileText}`);
    await serve.waitForStderr(/not reloaded/);
    serve.process.kill("SIGTERM");
    const { code, stdout, stderr } = await serve.exited;
    expect(code).toBe(0);
    expect(findUnsafe(stdout + stderr)).toEqual([]);
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ runnerId: hostileText.slice(0, 64) }));
  });
});

/** Writes a valid runner, and one that only `--lenient` accepts, into hostile files. */
function writeRunners(folder: string): void {
  mkdirSync(join(folder, hostileName));
  const valid = { runner: { runnerId: id, name: hostileText, status: { message: hostileText } } };
  writeFileSync(join(folder, hostileName, "valid.json"), JSON.stringify(valid));
  const lenient = { runner: { runnerId: hostileText, name: hostileText } };
  writeFileSync(join(folder, hostileName, `${hostileName}.json`), JSON.stringify(lenient));
}

/** Sends hostile text in every part of a request. */
async function sendHostileRequests(port: number): Promise<void> {
  const runnerId = JSON.stringify({ runnerId: hostileText });
  const json = "Content-Type: application/json";
  const length = `Content-Length: ${Buffer.byteLength(runnerId)}`;
  const host = `Host: 127.0.0.1:${port}`;
  const latin1 = hostileHeader;
  for (const head of [
    [`POST ${getRunnerPath} HTTP/1.1`, host, json, length],
    [`POST ${getRunnerPath} HTTP/1.1`, host, json, length, `X-Request-Id: ${latin1}`],
    [`POST ${getRunnerPath} HTTP/1.1`, host, json, length, `Origin: http://${latin1}`],
    [`POST ${getRunnerPath} HTTP/1.1`, host, `Content-Type: ${latin1}`, length],
    [`POST ${getRunnerPath} HTTP/1.1`, host, json, length, `Authorization: Bearer ${latin1}`],
    [`POST ${getRunnerPath} HTTP/1.1`, `Host: ${latin1}`, json, length],
    [`POST /${latin1} HTTP/1.1`, host, json, length],
    [`${latin1} / HTTP/1.1`, host, json, length],
    [`GET ${getRunnerPath}?connect=v1&encoding=${latin1}&message=${latin1} HTTP/1.1`, host],
    [
      `GET ${getRunnerPath}?connect=v1&encoding=json&message=${encodeURIComponent(runnerId)} HTTP/1.1`,
      host,
    ],
  ]) {
    const text = `${[...head, "Connection: close"].join("\r\n")}\r\n\r\n`;
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(text, "latin1");
        socket.end(head[0]?.startsWith("GET") ? "" : runnerId);
      });
      socket.resume().on("error", () => {});
      socket.on("close", () => resolve());
    });
  }
}

async function runOnTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  await using runnerctl = startRunnerctlOn(args, { env });
  return await runnerctl.exited;
}

async function interrupt(process: TerminalProcess): Promise<number | null> {
  process.type("\x03");
  return (await process.exited).code;
}
