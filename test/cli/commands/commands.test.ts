import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type RunnerctlProcess,
  runRunnerctl,
  startRunnerctl,
  startRunnerctlOnTerminal,
} from "../../support/runnerctl.ts";
import { samples } from "../../support/sample-runner.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const main = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

const managed = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const created = "c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702";
const late = "5a6c2f98-b1e7-4093-8d4f-2e7b0c9d1a36";
const deleting = "91f5b7d3-4e2c-4d88-b0a6-7c3e9f1a5d20";

let server: RunnerctlProcess;
let url: string;

beforeAll(async () => {
  server = startRunnerctl(["serve", "--data", samples, "--port", "0"]);
  [, url = ""] = await server.waitForStdout(/on (http:\/\/127\.0\.0\.1:\d+)\n/);
});

afterAll(async () => {
  server.process.kill();
  await server.exited;
});

/** Runs runnerctl against the sample runners, expects only standard output, and returns it. */
async function outputOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runRunnerctl(args, { ONA_BASE_URL: url });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** Masks relative times, which change while the tests run: "2 d ago" becomes "… ago". */
function maskTimes(text: string): string {
  return text
    .replace(/\d+ (ms|s|min|h|d) ago/g, "… ago")
    .replace(/(open, closes|closed, opens) in \d+ (ms|s|min|h)\s+\(.+\)/g, "… in … (…)")
    .replace(/"ageMs": \d+/g, '"ageMs": …');
}

describe("get", () => {
  test("describes the runner", async () => {
    expect(maskTimes(await outputOf("get", late))).toMatchInlineSnapshot(`
      "Runner ID:   5a6c2f98-b1e7-4093-8d4f-2e7b0c9d1a36
      Created at:  … ago (2026-01-15T08:20:36.951Z)
      Updated at:  … ago (2026-10-28T11:17:45.009Z)
      Name:        Build farm (Oregon)
      Creator:     user 0191b4c6-88f2-7e13-97d9-302f4e5d6c7b
      Kind:        remote
      Provider:    aws-ec2
      Spec:
        Desired phase:  active
        Variant:        standard
        Configuration:
          Region:                            us-west-2
          Release channel:                   stable
          Auto update:                       no
          Log level:                         error
          Devcontainer image cache enabled:  no
          Update window:                     at any time
          Continuous profiling:              no
          Metrics:
            Enabled:                  yes
            URL:                      https://prometheus.example.com/api/v1/write
            Username:                 runner-oregon
            Password:                 (hidden)
            Managed metrics enabled:  no
            Include verbose metrics:  no
      Status:
        Updated at:          … ago (2026-11-21T03:12:08.500Z)
        Version:             20261005.1121
        System details:      linux/amd64, 6.1.153-175.280.amzn2023, m6i.xlarge
        Phase:               active
        Log URL:             https://us-west-2.console.aws.example.com/cloudwatch/home?region=us-west-2#logsV2:log-groups/log-group/runner-5a6c2f98
        Message:             The runner is up and takes environments.
        Region:              us-west-2
        Capabilities:        fetch-local-scm-integrations, secret-container-registry,
                             agent-execution, allow-env-token-population,
                             default-dev-container-image, list-scm-organizations,
                             check-repository-access
        Public key:          oD8jhq4GshEJV3AghE3zZ4V7csL8zjhMGJb+2YqJyCs=
        Support bundle URL:  https://runner-5a6c2f98.example.com/support-bundle
        Additional info:
          CloudFormation stack:  https://us-west-2.console.aws.example.com/cloudformation/home?region=us-west-2#/stacks/runner-5a6c2f98
        Gateway info:
          Latency:  5 ms
          Gateway:
            Name:    us-west-2-gateway
            URL:     https://us-west-2.gateway.example.com
            Region:  us-west-2
      "
    `);
  });

  test("prints the response as YAML, too", async () => {
    expect(await outputOf("get", created, "-o", "yaml")).toMatchInlineSnapshot(`
      "runner:
        runnerId: c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702
        createdAt: 2026-11-23T07:55:12.640Z
        updatedAt: 2026-11-23T07:55:12.640Z
        name: Mobile (Ireland)
        spec:
          desiredPhase: RUNNER_PHASE_ACTIVE
          configuration:
            region: eu-west-1
            releaseChannel: RUNNER_RELEASE_CHANNEL_STABLE
            autoUpdate: true
            metrics: {}
            logLevel: LOG_LEVEL_INFO
            devcontainerImageCacheEnabled: true
          variant: RUNNER_VARIANT_ENTERPRISE
        status:
          phase: RUNNER_PHASE_CREATED
          message: Waiting for the runner to sign up.
        creator:
          id: 0192f1a4-6c3e-7b1d-9a52-4f0e8d7c6b5a
          principal: PRINCIPAL_USER
        kind: RUNNER_KIND_REMOTE
        provider: RUNNER_PROVIDER_AWS_EC2
      "
    `);
  });

  test("hides secrets in text output, but not in YAML", async () => {
    expect(await outputOf("get", late, "--output=text")).not.toContain("example-password");
    expect(await outputOf("get", late, "--output=yaml")).toContain("example-password-never-used");
  });
});

describe("status", () => {
  test("prints text", async () => {
    expect(maskTimes(await outputOf("status", late))).toMatchInlineSnapshot(`
      "Name:       Build farm (Oregon)
      ID:         5a6c2f98-b1e7-4093-8d4f-2e7b0c9d1a36
      Health:     degraded
      Reasons:    The last heartbeat was … ago; one is due every 30 s.
      Phase:      active
      Message:    The runner is up and takes environments.
      Heartbeat:  … ago (2026-11-21T03:12:08.500Z)
      Version:    20261005.1121
      Region:     us-west-2
      Gateway:    us-west-2-gateway in us-west-2, latency 5 ms
      "
    `);
  });

  test("prints JSON and YAML", async () => {
    expect(maskTimes(await outputOf("status", late, "-o", "json"))).toMatchInlineSnapshot(`
      "{
        "runnerId": "5a6c2f98-b1e7-4093-8d4f-2e7b0c9d1a36",
        "name": "Build farm (Oregon)",
        "phase": "RUNNER_PHASE_ACTIVE",
        "health": {
          "state": "degraded",
          "reasons": [
            {
              "code": "heartbeat-late",
              "message": "The last heartbeat was … ago; one is due every 30 s."
            }
          ]
        },
        "message": "The runner is up and takes environments.",
        "heartbeat": {
          "at": "2026-11-21T03:12:08.500Z",
          "ageMs": …
        },
        "version": "20261005.1121",
        "region": "us-west-2",
        "gateway": {
          "name": "us-west-2-gateway",
          "url": "https://us-west-2.gateway.example.com",
          "region": "us-west-2",
          "latencyMs": 5
        }
      }
      "
    `);
    expect(await outputOf("status", created, "-o", "yaml")).toMatchInlineSnapshot(`
      "runnerId: c4a19e60-0d7b-4f35-9b28-e5f3a1d6c702
      name: Mobile (Ireland)
      phase: RUNNER_PHASE_CREATED
      health:
        state: unavailable
        reasons:
          - code: phase-created
            message: The runner was created but has not signed up yet.
      message: Waiting for the runner to sign up.
      heartbeat: null
      version: ""
      region: ""
      gateway: null
      "
    `);
  });
});

describe("config", () => {
  test("prints text", async () => {
    expect(maskTimes(await outputOf("config", deleting))).toMatchInlineSnapshot(`
      "Name:    Evaluation (Belgium)
      ID:      91f5b7d3-4e2c-4d88-b0a6-7c3e9f1a5d20
      Phase:   deleting (desired: deleted)
      Region:  europe-west1 (as desired)
      Spec:
        Desired phase:  deleted
        Variant:        standard
        Configuration:
          Region:                            europe-west1
          Release channel:                   stable
          Auto update:                       yes
          Log level:                         warn
          Devcontainer image cache enabled:  no
          Update window:                     00:00 to 05:00 UTC
                                             … in … (…)
          Continuous profiling:              no
          Metrics:
            Enabled:                  yes
            Managed metrics enabled:  yes
            Include verbose metrics:  no
      "
    `);
  });

  test("prints JSON and YAML", async () => {
    expect(await outputOf("config", managed, "-o", "json")).toMatchInlineSnapshot(`
      "{
        "runnerId": "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97",
        "name": "Ona Cloud (US)",
        "phase": {
          "desired": "RUNNER_PHASE_ACTIVE",
          "actual": "RUNNER_PHASE_ACTIVE",
          "differs": false
        },
        "region": {
          "desired": "us-east-1",
          "actual": "us-east-1",
          "differs": false
        },
        "updateWindow": {
          "startHour": null,
          "endHour": null,
          "open": true,
          "opensAt": null,
          "closesAt": null
        },
        "spec": {
          "desiredPhase": "RUNNER_PHASE_ACTIVE",
          "configuration": {
            "region": "us-east-1",
            "releaseChannel": "RUNNER_RELEASE_CHANNEL_STABLE",
            "autoUpdate": true,
            "metrics": {
              "enabled": true,
              "url": "",
              "username": "",
              "password": "",
              "managedMetricsEnabled": true,
              "includeVerboseMetrics": false
            },
            "logLevel": "LOG_LEVEL_INFO",
            "devcontainerImageCacheEnabled": true,
            "encryptedHoneycombApiKey": "",
            "continuousProfiling": false
          },
          "variant": "RUNNER_VARIANT_STANDARD"
        }
      }
      "
    `);
    expect(await outputOf("config", late, "-o", "yaml")).toMatchInlineSnapshot(`
      "runnerId: 5a6c2f98-b1e7-4093-8d4f-2e7b0c9d1a36
      name: Build farm (Oregon)
      phase:
        desired: RUNNER_PHASE_ACTIVE
        actual: RUNNER_PHASE_ACTIVE
        differs: false
      region:
        desired: us-west-2
        actual: us-west-2
        differs: false
      updateWindow:
        startHour: null
        endHour: null
        open: true
        opensAt: null
        closesAt: null
      spec:
        desiredPhase: RUNNER_PHASE_ACTIVE
        configuration:
          region: us-west-2
          releaseChannel: RUNNER_RELEASE_CHANNEL_STABLE
          autoUpdate: false
          metrics:
            enabled: true
            url: https://prometheus.example.com/api/v1/write
            username: runner-oregon
            password: "[redacted]"
            managedMetricsEnabled: false
            includeVerboseMetrics: false
          logLevel: LOG_LEVEL_ERROR
          devcontainerImageCacheEnabled: false
          encryptedHoneycombApiKey: ""
          continuousProfiling: false
        variant: RUNNER_VARIANT_STANDARD
      "
    `);
  });
});

describe("verify", () => {
  test("prints text, and exits with 0 if the runner has all capabilities", async () => {
    const args = ["verify", managed, "--capability", "warm-pool,RUNNER_CAPABILITY_REDIS_STREAM"];
    expect(await outputOf(...args)).toBe("warm-pool:     present\nredis-stream:  present\n");
  });

  test.each([
    ["--capability warm-pool,redis-stream ID"],
    ["--capability warm-pool --capability redis-stream ID"],
    ["ID --capability warm-pool --capability redis-stream"],
    ["--capability=warm-pool ID --capability=redis-stream"],
    ["-o text --capability warm-pool ID --capability redis-stream --timeout 5s"],
  ])("accepts options before and after the ID: verify %s", async (args) => {
    const output = await outputOf("verify", ...args.replace("ID", managed).split(" "));
    expect(output).toBe("warm-pool:     present\nredis-stream:  present\n");
  });

  test("says how to give several capabilities", async () => {
    const args = ["verify", managed, "--capability", "warm-pool", "redis-stream"];
    expect(await runRunnerctl(args)).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "runnerctl: command-argument value 'redis-stream' is invalid for argument 'id'. It must be a UUID, such as d2c94c27-3b76-4a42-b88c-95a85e392c68. To give several capabilities, repeat --capability or separate them with commas.\n",
    });
  });

  test("prints JSON, and exits with 5 if a capability is missing", async () => {
    const args = ["verify", managed, "--capability", "warmPool", "--capability", "ASG_WARM_POOL"];
    const { code, stdout, stderr } = await runRunnerctl([...args, "-o", "json", "--base-url", url]);
    expect({ code, stderr }).toEqual({ code: 5, stderr: "" });
    expect(stdout).toMatchInlineSnapshot(`
      "{
        "runnerId": "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97",
        "name": "Ona Cloud (US)",
        "verified": false,
        "present": [
          "RUNNER_CAPABILITY_WARM_POOL"
        ],
        "missing": [
          "RUNNER_CAPABILITY_ASG_WARM_POOL"
        ]
      }
      "
    `);
  });

  test("suggests a name for an unknown one, without a call", async () => {
    const args = [
      "verify",
      managed,
      "--capability",
      "warm-pols",
      "--base-url",
      "http://127.0.0.1:1",
    ];
    expect(await runRunnerctl(args)).toEqual({
      code: 2,
      stdout: "",
      stderr: 'runnerctl: unknown RunnerCapability "warm-pols"; did you mean warm-pool?\n',
    });
  });
});

describe("status --exit-code", () => {
  test.each([
    [managed, 0],
    [late, 5],
    [created, 5],
  ])("of %s is %i", async (id, code) => {
    const args = ["status", id, "--exit-code", "--base-url", url];
    const end = await runRunnerctl(args);
    expect(end).toMatchObject({ code, stderr: "" });
    expect(maskTimes(end.stdout)).toBe(maskTimes(await outputOf("status", id)));
  });

  test("of several runners is the greatest", async () => {
    const args = ["status", managed, late, "--exit-code", "-o", "name", "--base-url", url];
    expect(await runRunnerctl(args)).toEqual({
      code: 5,
      stdout: `${managed}\n${late}\n`,
      stderr: "",
    });
  });
});

describe("-o name", () => {
  test.each([["get"], ["status"], ["config"], ["verify", "--capability", "warm-pool"]])(
    "%s prints the ID",
    async (...args) => {
      expect(await outputOf(...args, managed, "-o", "name")).toBe(`${managed}\n`);
    },
  );

  test("verify prints nothing if a capability is missing", async () => {
    const args = ["verify", created, "--capability", "warm-pool", "-o", "name"];
    expect(await runRunnerctl(args, { ONA_BASE_URL: url })).toEqual({
      code: 5,
      stdout: "",
      stderr: "",
    });
  });
});

describe.concurrent("colors", () => {
  test("are used on a terminal", async () => {
    expect(await onTerminal()).toContain("␛[33mdegraded␛[39m");
  });

  test.each([
    ["NO_COLOR", [], { NO_COLOR: "1" }],
    ["--no-color", ["--no-color"], {}],
    ["TERM=dumb", [], { TERM: "dumb" }],
  ] as const)("are not used with %s", async (_, args, env) => {
    const output = await onTerminal(args, env);
    expect(output).toContain("degraded");
    expect(output).not.toContain("␛");
  });

  test("are not used in a pipe", async () => {
    expect(await outputOf("status", late)).not.toContain("\x1b");
  });

  async function onTerminal(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    const runnerctl = startRunnerctlOnTerminal(["status", late, ...args], {
      ONA_BASE_URL: url,
      ...env,
    });
    return (await runnerctl.exited).stdout;
  }
});

describe.concurrent("a pipe closed early by its reader", () => {
  test.each([
    ["is not an error", `get ${late}`, "0"],
    ["does not hide that a capability is missing", `verify ${managed} --capability 4242`, "5"],
  ])("%s", async (_, args, code) => {
    // The reader exits long before runnerctl writes.
    const command = `${process.execPath} ${main} ${args} | :; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await run("bash", ["--norc", "-c", command], {
      env: { PATH: process.env.PATH, ONA_BASE_URL: url },
    });
    expect({ stdout, stderr }).toEqual({ stdout: `${code}\n`, stderr: "" });
  });
});

describe.concurrent("the command line", () => {
  test("--version prints the version", async () => {
    expect(await outputOf("--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each(["get", "status", "config", "verify", "watch", "wait", "completion"])(
    "%s --help has an example and fits on a screen",
    async (command) => {
      const lines = (await outputOf(command, "--help")).split("\n");
      expect(lines.length).toBeLessThanOrEqual(24);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(lines.slice(-3)).toEqual(["Example:", expect.stringContaining(command), ""]);
    },
  );

  test.each([
    [["get", "nope"], "It must be a UUID"],
    [["get"], "missing required argument 'id'"],
    [["status", late, "--timeout", "5"], "with a unit, such as 500ms, 5s or 2m"],
    [["config", late, "-o", "xml"], "Allowed choices are text, json, yaml, name."],
    [["config", late, "--base-url", "localhost"], '--base-url "localhost" is not a URL'],
    [["config", late, "--base-url", "http://a@b"], "--base-url must not contain a user name"],
    [["config", late, "--base-url", "ftp://b"], "--base-url ftp://b/ must use http: or https:"],
    [["watch", late, "-o", "name"], "Allowed choices are text, json, yaml."],
    [["get", late, "--timeout", "0"], "longer than 0"],
    [["verify", late], "required option '--capability <name>' not specified"],
    [["gets", late], "unknown command 'gets' (Did you mean get?)"],
    [["get", late, "--token-file", "/nowhere"], "cannot read the file of --token-file: ENOENT"],
  ])("%s is a usage error", async (args, message) => {
    const { code, stdout, stderr } = await runRunnerctl(args, {
      ONA_BASE_URL: "http://127.0.0.1:1",
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^runnerctl: .+\n$/);
    expect(stderr).toContain(message);
  });

  test("a token is not sent in cleartext to another machine", async () => {
    const env = { ONA_API_KEY: "secret", ONA_BASE_URL: "http://runner.invalid" };
    const { code, stdout, stderr } = await runRunnerctl(["get", late], env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      "runnerctl: the token would be sent unencrypted to runner.invalid; use https:, or allow it with --allow-cleartext-token or ONA_ALLOW_CLEARTEXT_TOKEN=true\n",
    );
  });

  test.each<[string, string[], NodeJS.ProcessEnv]>([
    ["--allow-cleartext-token", ["--allow-cleartext-token"], {}],
    ["ONA_ALLOW_CLEARTEXT_TOKEN", [], { ONA_ALLOW_CLEARTEXT_TOKEN: "1" }],
  ])("a token is sent in cleartext with %s", async (_, args, env) => {
    const target = startRunnerctl([
      ...["serve", "--data", samples, "--host", "0.0.0.0", "--port", "0", "--token", "secret"],
    ]);
    // An address of this machine that is not recognized as loopback.
    const [, baseUrl = ""] = await target.waitForStdout(/on (http:\/\/0\.0\.0\.0:\d+)\n/);
    const end = await runRunnerctl(["get", late, "--base-url", baseUrl, "-o", "name", ...args], {
      ONA_API_KEY: "secret",
      ...env,
    });
    target.process.kill();
    expect(end).toEqual({ code: 0, stdout: `${late}\n`, stderr: "" });
  });

  test.each([
    ["ONA_ALLOW_CLEARTEXT_TOKEN", "maybe", 'must be true or false, not "maybe"'],
    ["ONA_API_KEY", "two words", ": the token contains a character that is not allowed"],
    ["GITPOD_API_KEY", "t\u00f6ken", ": the token contains a character that is not allowed"],
  ])("an invalid %s is a usage error that names it", async (name, value, message) => {
    const env = { ONA_BASE_URL: "http://runner.invalid", GITPOD_API_KEY: "x", [name]: value };
    const args = name === "ONA_ALLOW_CLEARTEXT_TOKEN" ? [] : ["--allow-cleartext-token"];
    const { code, stdout, stderr } = await runRunnerctl(["get", late, ...args], env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`runnerctl: ${name}`);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/two words|t\u00f6ken/);
  });

  test("without a command prints the help, and exits with 2", async () => {
    const { code, stdout, stderr } = await runRunnerctl([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Commands:");
  });

  test("an invalid URL in the environment is a usage error", async () => {
    expect(await runRunnerctl(["get", late], { GITPOD_BASE_URL: "ona.com" })).toEqual({
      code: 2,
      stdout: "",
      stderr:
        'runnerctl: GITPOD_BASE_URL "ona.com" is not a URL because it has no scheme; did you mean https://ona.com?\n',
    });
  });
});

describe("a failed call", () => {
  // A server whose failure is selected by the first segment of the path.
  const failures = createServer((request, response) => {
    const failure = /^\/(\w+)\//.exec(request.url ?? "")?.[1] ?? "";
    failWith[failure]?.(request, response);
  });
  const connectError =
    (status: number, error: { code: string; message: string; details?: unknown[] }) =>
    (_: IncomingMessage, response: ServerResponse) =>
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(error));
  const violations = create(ViolationsSchema, {
    violations: [
      {
        field: { elements: [{ fieldName: "runner_id", fieldNumber: 1 }] },
        message: "value must be lucky",
      },
    ],
  });
  const failWith: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    internal: connectError(500, { code: "internal", message: "request 7 failed" }),
    empty: (_, response) =>
      response.writeHead(200, { "Content-Type": "application/json" }).end("{}"),
    unauthenticated: (request, response) => {
      const message = `not known: ${request.headers.authorization}`;
      connectError(401, { code: "unauthenticated", message })(request, response);
    },
    forbidden: connectError(403, { code: "permission_denied", message: "not yours\n\x1b[2J" }),
    unavailable: connectError(503, { code: "unavailable", message: "try later" }),
    traced: (request, response) => {
      response.setHeader("X-Request-Id", "req-\u009b7");
      connectError(500, { code: "internal", message: "oops" })(request, response);
    },
    invalid: connectError(400, {
      code: "invalid_argument",
      message: "no such thing",
      details: [
        {
          type: ViolationsSchema.typeName,
          value: base64Encode(toBinary(ViolationsSchema, violations), "std_raw"),
        },
      ],
    }),
    stalls: () => stalled?.(),
  };
  let stalled: (() => void) | undefined;
  let failuresUrl: string;

  beforeAll(async () => {
    await once(failures.listen(0, "127.0.0.1"), "listening");
    failuresUrl = `http://127.0.0.1:${(failures.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    failures.closeAllConnections();
    failures.close();
  });

  test.concurrent.each([
    ["internal", 1, "[internal] request 7 failed"],
    ["invalid", 2, "[invalid_argument] no such thing; runner_id: value must be lucky"],
    ["traced", 1, "[internal] oops (request id req-\ufffd7)"],
    ["empty", 1, "the response contains no runner, which violates the contract"],
    [
      "unauthenticated",
      4,
      "[unauthenticated] not known: undefined; set ONA_API_KEY, or pass a file with the token with --token-file",
    ],
    [
      "forbidden",
      4,
      "[permission_denied] not yours \ufffd[2J; use a token that has access to this runner",
    ],
  ])("(%s) exits with %s", async (failure, code, message) => {
    const end = await runRunnerctl(["status", late, "--base-url", `${failuresUrl}/${failure}`]);
    expect(end).toEqual({ code, stdout: "", stderr: `runnerctl: ${message}\n` });
  });

  test.concurrent.each(["unavailable", "stalls"])("(%s) exits with 6", async (failure) => {
    const args = ["status", late, "--base-url", `${failuresUrl}/${failure}`, "--timeout", "300ms"];
    const { code, stdout, stderr } = await runRunnerctl(args);
    expect({ code, stdout }).toEqual({ code: 6, stdout: "" });
    expect(stderr).toMatch(/^runnerctl: \[(unavailable|deadline_exceeded)\] .+; .+\n$/);
  });

  test("(stalls) names the server, the deadline and the option to raise it", async () => {
    const args = ["status", late, "--base-url", `${failuresUrl}/stalls`, "--timeout", "300ms"];
    const { stderr } = await runRunnerctl(args);
    expect(stderr).toBe(
      `runnerctl: [deadline_exceeded] the call to ${failuresUrl} timed out after 300 ms; raise --timeout\n`,
    );
  });

  test("(TLS on a cleartext port) says to use http:", async () => {
    const baseUrl = url.replace("http:", "https:");
    const { code, stderr } = await runRunnerctl(["get", late, "--base-url", baseUrl]);
    expect(code).toBe(6);
    expect(stderr).toBe(
      `runnerctl: [failed_precondition] the request to ${baseUrl} failed: the port does not use TLS; use http: or another port\n`,
    );
  });

  test("(a host that is not loopback) says how to start the server", async () => {
    const args = ["get", late, "--base-url", url.replace("127.0.0.1", "0.0.0.0")];
    const { code, stderr } = await runRunnerctl(args);
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /^runnerctl: \[permission_denied\] without tokens, the server accepts requests for loopback hosts only; call it on 127\.0\.0\.1, or start it with --token or --allow-unauthenticated \(request id \S+\)\n$/,
    );
  });

  test("(connection refused) exits with 6", async () => {
    // Port 1 belongs to tcpmux, which is long obsolete, so nothing listens there.
    const args = ["status", late, "--base-url", "http://127.0.0.1:1", "--timeout", "300ms"];
    const { code, stdout, stderr } = await runRunnerctl(args);
    expect({ code, stdout }).toEqual({ code: 6, stdout: "" });
    expect(stderr).toContain("ECONNREFUSED");
  });

  test("(unknown runner) exits with 3", async () => {
    const unknownId = "00000000-0000-4000-8000-000000000000";
    expect(await runRunnerctl(["status", unknownId], { ONA_BASE_URL: url })).toEqual({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(
        `^runnerctl: \\[not_found\\] no runner with id ${unknownId} \\(request id \\S+\\)\n$`,
      ),
    });
  });

  test("exits with 130 when interrupted", async () => {
    const requestReceived = new Promise<void>((resolve) => {
      stalled = resolve;
    });
    const child = startRunnerctl(["status", late, "--base-url", `${failuresUrl}/stalls`]);
    await requestReceived;
    child.process.kill("SIGINT");
    expect(await child.exited).toEqual({ code: 130, stdout: "", stderr: "" });
  });

  describe.concurrent("sends", () => {
    const folder = mkdtempSync(join(tmpdir(), "token-"));
    const file = join(folder, "token");
    writeFileSync(file, "from-file\n");
    afterAll(() => rmSync(folder, { recursive: true }));

    test.each([
      ["no token", {}, [], "undefined"],
      ["the token of ONA_API_KEY", { ONA_API_KEY: "ona", GITPOD_API_KEY: "old" }, [], "Bearer ona"],
      ["the token of GITPOD_API_KEY", { ONA_API_KEY: "", GITPOD_API_KEY: "old" }, [], "Bearer old"],
      ["the token in the file", { ONA_API_KEY: "ona" }, ["--token-file", file], "Bearer from-file"],
    ])("%s", async (_, env, args, sent) => {
      const url = `${failuresUrl}/unauthenticated`;
      const { stderr } = await runRunnerctl(["get", late, "--base-url", url, ...args], env);
      expect(stderr).toContain(`not known: ${sent};`);
    });
  });
});

function run(command: string, args: readonly string[], options: { env: NodeJS.ProcessEnv }) {
  return new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) =>
      error ? reject(error) : resolve({ stdout, stderr }),
    );
  });
}
