import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { type RunnerctlProcess, startRunnerctl } from "../support/runnerctl.ts";
import { getRunnerPath, unknownId } from "../support/server.ts";

// Clients that share no code with the server: curl, and buf curl, which is written in Go.

const root = new URL("../..", import.meta.url).pathname;
const certificate = join(root, "test/support/tls/cert.pem");
const id = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

const keyFile = join(root, "test/support/tls/key.pem");
const temporary = mkdtempSync(join(tmpdir(), "keys-"));
const otherKeyFile = join(temporary, "other.pem");
const { privateKey } = generateKeyPairSync("ed25519");
writeFileSync(otherKeyFile, privateKey.export({ type: "pkcs8", format: "pem" }));
afterAll(() => rmSync(temporary, { recursive: true }));

let servers: RunnerctlProcess[];
let cleartext: string;
let secure: string;

beforeAll(async () => {
  const args = ["serve", "--data", "examples/runners", "--port", "0", "--token", "let-me-in"];
  const tls = ["--tls-cert", certificate, "--tls-key", join(root, "test/support/tls/key.pem")];
  servers = [startRunnerctl(args), startRunnerctl([...args, ...tls])];
  [cleartext = "", secure = ""] = await Promise.all(
    servers.map(async (server) => (await server.waitForStdout(/on (https?:\/\/\S+)\n/))[1] ?? ""),
  );
});

afterAll(async () => {
  for (const server of servers) {
    server.process.kill();
    await server.exited;
  }
});

/** The id and the token of each request, and the expected code and status. */
const cases = [
  { name: "existing runner", runnerId: id, token: "let-me-in", code: "ok", status: 200 },
  {
    name: "unknown runner",
    runnerId: unknownId,
    token: "let-me-in",
    code: "not_found",
    status: 404,
  },
  {
    name: "invalid id",
    runnerId: "nope",
    token: "let-me-in",
    code: "invalid_argument",
    status: 400,
  },
  { name: "wrong token", runnerId: id, token: "guess", code: "unauthenticated", status: 401 },
] as const;

describe.each(["cleartext", "TLS"])("over %s", (kind) => {
  const base = () => (kind === "TLS" ? secure : cleartext);

  describe.each(["connect", "grpc", "grpcweb"])("buf curl with %s", (protocol) => {
    test.each(cases)("$name", async ({ runnerId, token, code }) => {
      const http2 = kind === "TLS" ? [] : ["--http2-prior-knowledge"];
      const { stdout, stderr } = await run(join(root, "node_modules/.bin/buf"), [
        ...["curl", "--schema", "proto", "--protocol", protocol],
        ...(kind === "TLS" ? ["--cacert", certificate] : protocol === "grpc" ? http2 : []),
        ...["--header", `Authorization: Bearer ${token}`, "--data", JSON.stringify({ runnerId })],
        base() + getRunnerPath,
      ]);
      if (code === "ok") {
        expect(JSON.parse(stdout)).toMatchObject({ runner: { runnerId: id } });
      } else {
        expect(JSON.parse(stderr)).toMatchObject({ code });
      }
    });
  });

  describe.each(["--http1.1", kind === "TLS" ? "--http2" : "--http2-prior-knowledge"])(
    "curl %s",
    (version) => {
      test.each(cases)("POST, $name", async ({ runnerId, token, code, status }) => {
        const response = await curl([
          ...[version, "-H", "Content-Type: application/json"],
          ...["-H", `Authorization: Bearer ${token}`, "-d", JSON.stringify({ runnerId })],
          base() + getRunnerPath,
        ]);
        expect(response.status).toBe(status);
        expect(response.json).toMatchObject(
          code === "ok" ? { runner: { runnerId: id } } : { code },
        );
      });

      test.each(cases)("GET, $name", async ({ runnerId, token, code, status }) => {
        const message = encodeURIComponent(JSON.stringify({ runnerId }));
        const response = await curl([
          ...[version, "--compressed", "-H", `Authorization: Bearer ${token}`],
          `${base()}/api${getRunnerPath}?connect=v1&encoding=json&message=${message}`,
        ]);
        expect(response.status).toBe(status);
        expect(response.json).toMatchObject(
          code === "ok" ? { runner: { runnerId: id } } : { code },
        );
      });
    },
  );
});

test("the active sample runner has a recent heartbeat, and the stale one has an old one", async () => {
  const heartbeatAgeOf = async (runnerId: string) => {
    const { json } = await curl([
      ...["-H", "Content-Type: application/json", "-H", "Authorization: Bearer let-me-in"],
      ...["-d", JSON.stringify({ runnerId }), cleartext + getRunnerPath],
    ]);
    const { runner } = json as { runner: { status: { updatedAt: string } } };
    return Date.now() - Date.parse(runner.status.updatedAt);
  };
  expect(await heartbeatAgeOf(id)).toBeLessThan(31_000);
  expect(await heartbeatAgeOf("5a6c2f98-b1e7-4093-8d4f-2e7b0c9d1a36")).toBeGreaterThan(
    24 * 3_600_000,
  );
});

describe("runnerctl serve", () => {
  test("reads its options from the environment", async () => {
    const server = startRunnerctl(["serve"], {
      RUNNER_SERVER_DATA: "examples/runners/gcp-degraded.json,examples/runners/managed-active.json",
      RUNNER_SERVER_PORT: "0",
      RUNNER_SERVER_TOKENS: "one,two",
      RUNNER_SERVER_LENIENT: "false",
      RUNNER_SERVER_PATH_PREFIX: "/v2",
    });
    const [, count, url] = await server.waitForStdout(/Serving (\d+) runners on (\S+)\n/);
    expect(count).toBe("2");
    for (const [path, token, status] of [
      ["", "two", 200],
      ["/v2", "one", 200],
      ["/api", "one", 404],
      ["", "three", 401],
    ] as const) {
      const response = await curl([
        ...["-H", "Content-Type: application/json", "-H", `Authorization: Bearer ${token}`],
        ...[
          "-d",
          `{"runnerId":"3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97"}`,
          url + path + getRunnerPath,
        ],
      ]);
      expect([path, token, response.status]).toEqual([path, token, status]);
    }
    server.process.kill();
    expect((await server.exited).code).toBe(0);
  });

  describe("--sample", () => {
    const serveUntilReady = async (args: string[], env: NodeJS.ProcessEnv = {}) => {
      const server = startRunnerctl(["serve", "--port", "0", ...args], env);
      const [, count] = await server.waitForStdout(/Serving (\d+) runners? on \S+\n/);
      await server.waitForStdout(/Try:/);
      server.process.kill();
      const { code, stdout } = await server.exited;
      return { code, count, stdout };
    };

    test.each<[string, string[], NodeJS.ProcessEnv]>([
      ["serves the sample runners", ["--sample"], {}],
      ["can be set by the environment", [], { RUNNER_SERVER_SAMPLE: "true" }],
      [
        "serves each once if --data names them, too",
        ["--sample", "--data", "examples/runners"],
        {},
      ],
    ])("%s", async (_, args, env) => {
      const { code, count, stdout } = await serveUntilReady(args, env);
      expect({ code, count }).toEqual({ code: 0, count: "6" });
      expect(stdout).toContain(id);
    });

    test("adds to --data", async () => {
      const folder = mkdtempSync(join(tmpdir(), "fixtures-"));
      const runnerId = "00000000-0000-4000-8000-000000000001";
      writeFileSync(join(folder, "mine.json"), JSON.stringify({ runner: { runnerId } }));
      const { count, stdout } = await serveUntilReady(["--sample", "--data", folder]);
      rmSync(folder, { recursive: true });
      expect(count).toBe("7");
      expect(stdout).toContain(id);
      expect(stdout).toContain(runnerId);
    });
  });

  test.each([
    ["192.0.2.1", "0", "192.0.2.1 is not an address of this machine; choose one with --host"],
    ["host.invalid", "0", "cannot resolve host.invalid; choose a host with --host"],
  ])("exits with 1 if it cannot listen on %s", async (host, port, message) => {
    const args = ["serve", "--sample", "--host", host, "--port", port, "--token", "t"];
    expect(await startRunnerctl(args).exited).toEqual({
      code: 1,
      stdout: "",
      stderr: `runnerctl: ${message}\n`,
    });
  });

  // Some containers allow everyone to listen on all ports.
  const firstPort = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  test.skipIf(firstPort <= 80)("exits with 1 if it is not permitted to listen", async () => {
    const main = join(root, "src/cli/main.ts");
    const child = execFile(process.execPath, [main, "serve", "--sample", "--port", "80"], {
      ...(process.getuid?.() === 0 && { uid: 65534, gid: 65534 }),
    });
    let stderr = "";
    child.stderr?.on("data", (text) => (stderr += text));
    const [code] = await once(child, "close");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        "runnerctl: not permitted to listen on port 80 of 127.0.0.1; choose a port above 1023 with --port\n",
    });
  });

  test.each([
    [[], "no runners to serve; pass files or folders of fixtures with --data, or use --sample"],
    [
      ["--data", "examples/runners", "--tls-cert", "x"],
      "--tls-cert and --tls-key must be used together",
    ],
    [["--data", "examples/runners", "--port", "99999"], "from 0 to 65535"],
    [["--data", "examples/runners", "--idle-timeout", "5"], "500ms, 5s or 2m"],
    [["--data", "examples/runners", "--max-streams", "0"], "a whole number greater than 0"],
    [["--data", "examples/runners", "--log-level", "loud"], "silent"],
    [["--nonsense"], "unknown option"],
    [["--sample", "--drain-delay", "5"], "500ms, 5s or 2m"],
    [["--data", "examples/runners", "--token", "one", "se cret"], "--token: token 2 contains a"],
    [["--data", "examples/runners", "--token", ","], "--token <token...>' has an empty value"],
    [["--data", "examples/runners", "--cors-origin", "a.example.com"], "is not an origin"],
    [["--data", "examples/runners", "--path-prefix", "/a b"], "a path, such as /api"],
    [
      ["--sample", "--tls-cert", "nope", "--tls-key", keyFile],
      "cannot read the file of --tls-cert: ENOENT",
    ],
    [
      ["--sample", "--tls-cert", certificate, "--tls-key", "."],
      "cannot read the file of --tls-key: EISDIR",
    ],
    [
      ["--sample", "--tls-cert", certificate, "--tls-key", "package.json"],
      "package.json of --tls-key is not a private key in PEM format",
    ],
    [
      ["--sample", "--tls-cert", "README.md", "--tls-key", keyFile],
      "README.md of --tls-cert is not a certificate in PEM format",
    ],
    [
      ["--sample", "--tls-cert", certificate, "--tls-key", otherKeyFile],
      "the private key of --tls-key does not belong to the certificate of --tls-cert",
    ],
    [["--sample", "--token-file", "nope"], "cannot read the file of --token-file: ENOENT"],
    [["examples/runners"], "serve takes no arguments; pass fixtures with --data examples/runners"],
  ])("exits with 2 for %j", async (args, message) => {
    const server = startRunnerctl(["serve", ...args]);
    expect(await server.exited).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(new RegExp(`^(?!.*cret).*${message}`)),
    });
  });

  test("refuses a token in the environment that cannot be sent", async () => {
    const data = { RUNNER_SERVER_DATA: "examples/runners", RUNNER_SERVER_PORT: "0" };
    const bad = startRunnerctl(["serve"], { ...data, RUNNER_SERVER_TOKENS: "one,se cret" });
    expect(await bad.exited).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^(?!.*cret).*RUNNER_SERVER_TOKENS: token 2 contains/),
    });
    // An empty variable is like none.
    const empty = startRunnerctl(["serve"], { ...data, RUNNER_SERVER_TOKENS: "" });
    await empty.waitForStdout(/Serving/);
    empty.process.kill();
    await empty.exited;
  });

  test("exits with 1 if other machines could call without a token", async () => {
    const args = ["serve", "--data", "examples/runners", "--host", "0.0.0.0", "--port", "0"];
    const server = startRunnerctl(args);
    expect(await server.exited).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("refusing to accept unauthenticated callers on 0.0.0.0"),
    });
  });

  test("accepts tokens that are added to the token file, and rejects removed ones", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tokens-"));
    const file = join(folder, "tokens");
    writeFileSync(file, "old\n");
    const args = ["serve", "--data", "examples/runners", "--port", "0", "--token-file", file];
    const server = startRunnerctl(args);
    const [, url = ""] = await server.waitForStdout(/on (\S+)\n/);
    const statusWith = async (token: string) =>
      (
        await curl([
          ...["-H", "Content-Type: application/json", "-H", `Authorization: Bearer ${token}`],
          ...["-d", JSON.stringify({ runnerId: id }), url + getRunnerPath],
        ])
      ).status;
    expect([await statusWith("old"), await statusWith("new")]).toEqual([200, 401]);
    writeFileSync(file, "new\n");
    while ((await statusWith("new")) !== 200) {
      // Until the file has been reloaded.
    }
    expect(await statusWith("old")).toBe(401);
    server.process.kill();
    const { stderr } = await server.exited;
    expect(stderr).toContain("token file reloaded");
    rmSync(folder, { recursive: true });
  });

  test("never logs a token or a secret of a runner", async () => {
    const samples = readFileSync(join(root, "examples/runners/aws-enterprise-active.json"), "utf8");
    const { runner } = JSON.parse(samples);
    const { metrics, encryptedHoneycombApiKey } = runner.spec.configuration;
    const server = startRunnerctl([
      "serve",
      "--data",
      "examples/runners",
      "--port",
      "0",
      "--token",
      "sesame",
      "--log-level",
      "trace",
    ]);
    const [, url = ""] = await server.waitForStdout(/on (\S+)\n/);
    for (const token of ["sesame", "sesame2"]) {
      await curl([
        ...["-H", "Content-Type: application/json", "-H", `Authorization: Bearer ${token}`],
        ...["-d", JSON.stringify({ runnerId: id }), url + getRunnerPath],
      ]);
    }
    const metricsText = (await run("curl", ["--silent", `${url}/metrics`])).stdout;
    server.process.kill();
    const { stdout, stderr } = await server.exited;
    for (const secret of ["sesame", metrics.password, encryptedHoneycombApiKey]) {
      expect(stdout + stderr + metricsText).not.toContain(secret);
    }
    expect(stderr).toContain('"code":"unauthenticated"');
    expect(metricsText).toContain("runner_server_runners 6");
    expect(metricsText).toContain("process_resident_memory_bytes");
  });

  test.each(["1.1", "2"] as const)(
    "on SIGTERM under load over HTTP/%s, responds to every accepted request",
    async (httpVersion) => {
      const server = startRunnerctl(["serve", "--data", "examples/runners", "--port", "0"]);
      const [, url = ""] = await server.waitForStdout(/on (\S+)\n/);
      const transport = createConnectTransport({ baseUrl: url, httpVersion });
      const client = createClient(RunnerService, transport);
      let succeeded = 0;
      const load = Array.from({ length: 16 }, async () => {
        // Until the server accepts no more.
        for (;;) {
          try {
            await client.getRunner({ runnerId: id });
            succeeded += 1;
          } catch {
            return;
          }
          if (succeeded === 300) {
            server.process.kill("SIGTERM");
          }
        }
      });
      const { code, stderr } = await server.exited;
      await Promise.all(load);
      // The log has a line for each call that the server accepted.
      expect(stderr.split('"method":"GetRunner"').length - 1).toBe(succeeded);
      expect(code).toBe(0);
    },
  );

  test("prints help that fits on one screen", async () => {
    const { code, stdout } = await startRunnerctl(["serve", "--help"]).exited;
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines.length).toBeLessThanOrEqual(50);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

async function run(command: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(command, args, { cwd: root }).catch((error) => error);
}

async function curl(args: string[]): Promise<{ status: number; json: unknown }> {
  const format = ["--silent", "--cacert", certificate, "--write-out", "\n%{http_code}"];
  const { stdout } = await run("curl", [...format, ...args]);
  const [body = "", status] = stdout.split(/\n(?=\d+$)/);
  return { status: Number(status), json: body.startsWith("{") ? JSON.parse(body) : body };
}
