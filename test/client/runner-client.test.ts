import { once } from "node:events";
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type Interceptor } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  GetRunnerRequestSchema,
  GetRunnerResponseSchema,
  RunnerService,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { createRunnerClient as createNodeRunnerClient } from "../../src/client/node.ts";
import { createNodeHttpClient } from "../../src/client/node-http-client.ts";
import {
  createRunnerClient,
  createRunnerClientFromEnv,
  createRunnerClientOverHttp,
  type RunnerClientOptions,
} from "../../src/client/runner-client.ts";
import { runnerFromJson, unknownJson } from "../../src/runner/runner-json.ts";
import { errorOf } from "../support/error-of.ts";
import {
  type Behavior,
  type FailingServer,
  getUnreachableUrl,
  reset,
  resetMidway,
  respond,
  stall,
  stallMidway,
  startFailingServer,
} from "../support/failing-server.ts";
import { createFakeClock } from "../support/fake-clock.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const ok = respond(200, { runner: { runnerId, name: "one" } });
const unavailable = respond(503, { code: "unavailable", message: "down" });
const unauthenticated = respond(401, { code: "unauthenticated", message: "invalid token" });
const html = { "Content-Type": "text/html; charset=utf-8" };

async function serve(...behaviors: Behavior[]): Promise<FailingServer> {
  const server = await startFailingServer(behaviors);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const nodeHttp = createNodeHttpClient("http:");

describe.each([
  ["with fetch", createRunnerClient],
  [
    "with undici",
    (options: RunnerClientOptions) => {
      const client = createNodeRunnerClient(options);
      onTestFinished(() => client.close());
      return client;
    },
  ],
  [
    "with node:http",
    (options: RunnerClientOptions) => createRunnerClientOverHttp(nodeHttp, options),
  ],
] as const)("a client %s", (_, createClient) => {
  async function startClient(behaviors: Behavior[], options: RunnerClientOptions = {}) {
    const clock = createFakeClock();
    const server = await startFailingServer(behaviors, clock.now);
    onTestFinished(() => server[Symbol.asyncDispose]());
    const client = createClient({ baseUrl: server.url, retry: { clock }, ...options });
    return {
      server,
      clock,
      getRunner: (callOptions = {}) => client.getRunner({ runnerId }, callOptions),
      /** Returns the times between the received requests, in milliseconds. */
      spacing: () =>
        server.requests.slice(1).map(({ at }, i) => at - (server.requests[i]?.at ?? 0)),
    };
  }

  describe("retries", () => {
    test("after 503, twice, with a delay that doubles", async () => {
      const { getRunner, spacing } = await startClient([unavailable, unavailable, ok]);
      expect((await getRunner()).runner?.name).toBe("one");
      expect(spacing()).toEqual([200, 400]);
    });

    test("up to the maximum number of attempts, which the error contains", async () => {
      const { getRunner, spacing } = await startClient([unavailable], {
        retry: {
          clock: createFakeClock(),
          maxAttempts: 6,
          initialDelayMs: 100,
          maxDelayMs: 500,
        },
      });
      const error = await errorOf(getRunner());
      expect(error.message).toBe("[unavailable] down (6 attempts)");
      expect(spacing()).toHaveLength(5);
    });

    test("after delays with random jitter", async () => {
      const clock = createFakeClock(0.25);
      const { getRunner } = await startClient([unavailable], {
        retry: { clock, maxAttempts: 7, initialDelayMs: 100, maxDelayMs: 1000 },
      });
      await errorOf(getRunner());
      expect(clock.sleeps).toEqual([25, 50, 100, 200, 250, 250]);
    });

    test.each([
      ["7", 7000],
      ["Thu, 01 Jan 2026 00:00:09 GMT", 9000],
      ["Wed, 31 Dec 2025 23:59:59 GMT", 0],
      ["Thursday, 01-Jan-26 00:00:09 GMT", 9000],
      ["Thu Jan  1 00:00:09 2026", 9000],
      // Anything else is ignored.
      ["soon", 200],
      ["1.5", 200],
      ["-1", 200],
      ["2026-01-01T00:00:09Z", 200],
    ])("after the delay in Retry-After: %s", async (retryAfter, wait) => {
      const { getRunner, spacing } = await startClient([
        respond(
          429,
          { code: "resource_exhausted", message: "slow down" },
          { "Retry-After": retryAfter },
        ),
        ok,
      ]);
      expect((await getRunner()).runner?.name).toBe("one");
      expect(spacing()).toEqual([wait]);
    });

    test.each([
      ["a reset connection", reset],
      ["a connection that was reset during the response", resetMidway],
      ["429 from a proxy", respond(429, "slow down", html)],
      ["502 from a proxy", respond(502, "<h1>Bad gateway</h1>", html)],
    ])("after %s", async (_, behavior) => {
      const { getRunner, spacing } = await startClient([behavior, ok]);
      expect((await getRunner()).runner?.name).toBe("one");
      expect(spacing()).toEqual([200]);
    });

    test("after a refused connection, with the URL in the error", async () => {
      const clock = createFakeClock();
      const baseUrl = await getUnreachableUrl();
      const error = await errorOf(
        createClient({ baseUrl, retry: { clock } }).getRunner({ runnerId }),
      );
      expect(error.code).toBe(Code.Unavailable);
      expect(error.rawMessage).toContain(`no response from ${baseUrl}: connect ECONNREFUSED`);
      expect(error.rawMessage).toContain("(4 attempts)");
      expect(clock.sleeps).toEqual([200, 400, 800]);
    });
  });

  describe("does not retry", () => {
    test.each([
      ["not_found", 404],
      ["invalid_argument", 400],
      ["permission_denied", 403],
      ["internal", 500],
      ["data_loss", 500],
      ["deadline_exceeded", 504],
      ["unknown", 500],
    ])("after %s", async (code, status) => {
      const { getRunner, server } = await startClient([respond(status, { code, message: "no" })]);
      expect((await errorOf(getRunner())).message).toBe(`[${code}] no`);
      expect(server.requests).toHaveLength(1);
    });

    test("with retry: false", async () => {
      const { getRunner, server } = await startClient([unavailable], { retry: false });
      expect((await errorOf(getRunner())).message).toBe("[unavailable] down");
      expect(server.requests).toHaveLength(1);
    });

    test("if Retry-After is too long", async () => {
      const { getRunner, server } = await startClient([
        respond(503, { code: "unavailable", message: "down" }, { "Retry-After": "3600" }),
      ]);
      const error = await errorOf(getRunner());
      expect(error.metadata.get("Retry-After")).toBe("3600");
      expect(server.requests).toHaveLength(1);
    });

    test("if the delay would exceed the timeout of the call", async () => {
      const { getRunner, server, spacing } = await startClient([unavailable], { timeoutMs: 1000 });
      const error = await errorOf(getRunner());
      expect(error.message).toBe("[unavailable] down (3 attempts)");
      expect(spacing()).toEqual([200, 400]);
      // Each attempt sends the remaining time to the server.
      expect(server.requests.map(({ headers }) => headers["connect-timeout-ms"])).toEqual([
        "1000",
        "800",
        "400",
      ]);
    });

    test("if the caller aborts during the delay", async () => {
      const caller = new AbortController();
      const { getRunner, server } = await startClient([unavailable], {
        retry: { clock: createFakeClock(1, () => caller.abort()) },
      });
      const error = await errorOf(getRunner({ signal: caller.signal }));
      expect(error.code).toBe(Code.Canceled);
      expect(server.requests).toHaveLength(1);
    });
  });

  describe("aborts a call", () => {
    test.each([
      ["without a response", stall],
      ["with an incomplete response", stallMidway],
    ])("%s after its timeout", async (_, behavior) => {
      const { getRunner, server } = await startClient([behavior]);
      const error = await errorOf(getRunner({ timeoutMs: 50 }));
      expect(error.message).toBe(
        `[deadline_exceeded] the call to ${server.url} timed out after 50 ms`,
      );
    });

    test("with the number of attempts and the last one's error in the error", async () => {
      const { getRunner, server } = await startClient([unavailable, stall], {
        timeoutMs: 250,
        retry: { clock: createFakeClock() },
      });
      const error = await errorOf(getRunner());
      expect(error.message).toBe(
        `[deadline_exceeded] the call to ${server.url} timed out after 250 ms (2 attempts; last error: down)`,
      );
    });

    test.each([
      ["without a response", stall],
      ["with an incomplete response", stallMidway],
    ])("%s when the caller aborts, and closes its connection", async (_, behavior) => {
      const caller = new AbortController();
      let closed: Promise<unknown> | undefined;
      const { getRunner } = await startClient([
        (response) => {
          closed = once(response, "close");
          behavior(response);
          setImmediate(() => caller.abort());
        },
      ]);
      const error = await errorOf(getRunner({ signal: caller.signal }));
      expect(error.code).toBe(Code.Canceled);
      await closed;
    });

    test("before it starts, if the caller has already aborted", async () => {
      const { getRunner, server } = await startClient([ok]);
      const error = await errorOf(getRunner({ signal: AbortSignal.abort() }));
      expect(error.code).toBe(Code.Canceled);
      expect(server.requests).toHaveLength(0);
    });

    test("whose token function does not return", async () => {
      const { getRunner } = await startClient([ok], { token: () => new Promise(() => {}) });
      const error = await errorOf(getRunner({ timeoutMs: 50 }));
      expect(error.code).toBe(Code.DeadlineExceeded);
    });
  });

  describe("describes an unexpected response:", () => {
    test.each<[string, Behavior, Code, string]>([
      [
        "HTML",
        respond(200, "<html>\n  <title>Sign in</title>", html),
        Code.Unknown,
        "text/html; charset=utf-8: <html> <title>Sign in</title>",
      ],
      ["HTML with an error", respond(500, "<h1>Oops</h1>", html), Code.Unknown, "HTTP 500 from "],
      [
        "an empty response",
        respond(200),
        Code.Unknown,
        "a response without Content-Type (empty body)",
      ],
      [
        "an empty 404",
        respond(404),
        Code.Unimplemented,
        "a response without Content-Type (empty body)",
      ],
      ["JSON that is not a runner", respond(200, [1, 2]), Code.Internal, "application/json: [1,2]"],
      [
        "truncated JSON",
        respond(200, '{"runner":{', { "Content-Type": "application/json" }),
        Code.Internal,
        'application/json: {"runner":{',
      ],
      [
        "a field of the wrong type",
        respond(200, { runner: { name: 1 } }),
        Code.Internal,
        "cannot decode field gitpod.v1.Runner.name from JSON",
      ],
      [
        "an error that is not a Connect error",
        respond(500, '"oops"', { "Content-Type": "application/json" }),
        Code.Unknown,
        'application/json: "oops"',
      ],
      [
        "a long body",
        respond(200, "é".repeat(5000), { "Content-Type": "text/plain" }),
        Code.Unknown,
        `text/plain: ${"é".repeat(100)}…`,
      ],
    ])("%s", async (_, behavior, code, text) => {
      const { getRunner, server } = await startClient([behavior], { useHttpGet: true });
      const error = await errorOf(getRunner());
      expect(error.code).toBe(code);
      expect(error.rawMessage).toContain(text);
      expect(error.rawMessage).toContain(`from ${server.url}/gitpod.v1.RunnerService/GetRunner: `);
      expect(error.rawMessage.length).toBeLessThan(400);
    });
  });

  test.each([301, 302, 303, 307, 308])("does not follow redirects (%i)", async (status) => {
    const elsewhere = await serve(ok);
    for (const location of [`${elsewhere.url}/a?token=secret`, "/b?token=secret"]) {
      const { getRunner, server } = await startClient(
        [respond(status, "", { Location: location })],
        { token: "tok" },
      );
      const error = await errorOf(getRunner());
      const target = new URL(location, server.url);
      expect(error.rawMessage).toContain(
        `HTTP ${status} from ${server.url}/gitpod.v1.RunnerService/GetRunner: redirect to ${target.origin}${target.pathname}; redirects are not followed`,
      );
      expect(error.rawMessage).not.toContain("secret");
      expect(server.requests).toHaveLength(1);
    }
    expect(elsewhere.requests).toHaveLength(0);
  });

  describe("authenticates", () => {
    const authorizations = (server: FailingServer) =>
      server.requests.map(({ headers }) => headers.authorization);

    test("with a token", async () => {
      const { getRunner, server } = await startClient([ok], { token: "tok" });
      await getRunner();
      expect(authorizations(server)).toEqual(["Bearer tok"]);
    });

    test("with the result of a token function, called for each call", async () => {
      let n = 0;
      const { getRunner, server } = await startClient([ok], { token: async () => `tok${++n}` });
      await getRunner();
      await getRunner();
      expect(authorizations(server)).toEqual(["Bearer tok1", "Bearer tok2"]);
    });

    test("again after unauthenticated, passing the rejected token to the function", async () => {
      const token = async (rejectedToken?: string) => (rejectedToken === "old" ? "new" : "old");
      const { getRunner, server, clock } = await startClient([unauthenticated, ok], { token });
      expect((await getRunner()).runner?.name).toBe("one");
      expect(authorizations(server)).toEqual(["Bearer old", "Bearer new"]);
      expect(clock.sleeps).toEqual([]);
    });

    test("again only once", async () => {
      const { getRunner, server } = await startClient([unauthenticated], { token: () => "tok" });
      expect((await errorOf(getRunner())).message).toBe("[unauthenticated] invalid token");
      expect(server.requests).toHaveLength(2);
    });

    test("only once with a token given as a string", async () => {
      const { getRunner, server } = await startClient([unauthenticated], { token: "tok" });
      await errorOf(getRunner());
      expect(server.requests).toHaveLength(1);
    });

    test("not at all if the token function fails", async () => {
      const { getRunner, server } = await startClient([ok], {
        token: () => Promise.reject(new Error("no vault")),
      });
      expect((await errorOf(getRunner())).message).toBe("[unauthenticated] no vault");
      expect(server.requests).toHaveLength(0);
    });

    test("not with a token that is invalid in a header", async () => {
      const { getRunner, server } = await startClient([ok], { token: () => "sec\nret" });
      const error = await errorOf(getRunner());
      expect(error.code).toBe(Code.Unauthenticated);
      expect(inspect(error)).not.toMatch(/sec|ret"/);
      expect(server.requests).toHaveLength(0);
    });
  });

  test.each(["sec ret", "sec\nret", "sécret", "sec=ret", '"secret"', "sec,ret"])(
    "rejects the token %j without revealing it",
    (token) => {
      const create = () => createClient({ token });
      expect(create).toThrow("the token contains a character");
      expect(create).not.toThrow("ret");
    },
  );

  describe("does not send a token unencrypted:", () => {
    test.each(["http://runners.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1"])(
      "%s",
      (baseUrl) => {
        const message = `the token would be sent unencrypted to ${new URL(baseUrl).host}`;
        expect(() => createClient({ baseUrl, token: "t" })).toThrow(message);
        expect(() => createClient({ baseUrl, token: async () => "t" })).toThrow(message);
        expect(() => createClient({ baseUrl, headers: { authorization: "t" } })).toThrow(message);
        createClient({ baseUrl, token: "t", allowCleartextToken: true });
        createClient({ baseUrl });
      },
    );

    test.each([
      "http://localhost:1",
      "http://a.localhost",
      "http://127.1.2.3",
      "http://[::1]:1",
      "https://runners.example.com",
    ])("but sends it to %s", (baseUrl) => {
      createClient({ baseUrl, token: "t" });
    });
  });

  test("never reveals a token", async () => {
    const token = "sesame-open";
    for (const behavior of [unauthenticated, reset, respond(200, "<p>", html), respond(302)]) {
      const { getRunner } = await startClient([behavior], { token });
      const error = await errorOf(getRunner());
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(token);
    }
    const client = createClient({ token, headers: { Authorization: `Bearer ${token}` } });
    expect(inspect(client, { depth: 10, showHidden: true })).not.toContain(token);
  });

  test("parses the example in the API documentation", async () => {
    const documented = JSON.parse(
      readFileSync(new URL("../documented-response.json", import.meta.url), "utf8"),
    );
    const { getRunner } = await startClient([respond(200, documented)]);
    expect(await getRunner()).toEqual(runnerFromJson(documented));
  });

  test("keeps unknown enum values from JSON", async () => {
    const json = { runner: { status: { capabilities: ["RUNNER_CAPABILITY_TIME_TRAVEL"] } } };
    const { getRunner } = await startClient([respond(200, json)]);
    const { runner } = await getRunner();
    expect(runner && unknownJson(runner)).toEqual({
      json: json.runner,
      enumNames: [{ path: "status.capabilities", name: "RUNNER_CAPABILITY_TIME_TRAVEL" }],
      fields: [],
    });
  });

  test("sends JSON with POST to a URL below the base URL", async () => {
    const server = await serve(ok);
    for (const baseUrl of [`${server.url}/api`, `${server.url}/api/`]) {
      await createClient({ baseUrl }).getRunner({ runnerId });
    }
    expect(server.requests).toHaveLength(2);
    for (const request of server.requests) {
      expect(request).toMatchObject({
        method: "POST",
        url: "/api/gitpod.v1.RunnerService/GetRunner",
        body: JSON.stringify({ runnerId }),
        headers: { "content-type": "application/json", "connect-protocol-version": "1" },
      });
      expect(request.headers).not.toHaveProperty("connect-timeout-ms");
    }
  });

  test("uses binary messages with useBinaryFormat", async () => {
    const response = create(GetRunnerResponseSchema, { runner: { runnerId, name: "one" } });
    const { getRunner, server } = await startClient(
      [
        respond(200, toBinary(GetRunnerResponseSchema, response), {
          "Content-Type": "application/proto",
        }),
      ],
      { useBinaryFormat: true },
    );
    expect(await getRunner()).toEqual(response);
    const request = create(GetRunnerRequestSchema, { runnerId });
    expect(server.requests[0]?.body).toBe(
      Buffer.from(toBinary(GetRunnerRequestSchema, request)).toString(),
    );
  });

  test("uses GET with useHttpGet", async () => {
    const { getRunner, server } = await startClient([ok], { useHttpGet: true });
    await getRunner({ timeoutMs: 5000 });
    const [request] = server.requests;
    const { searchParams } = new URL(request?.url ?? "", server.url);
    expect(request?.method).toBe("GET");
    expect(Object.fromEntries(searchParams)).toEqual({
      connect: "v1",
      encoding: "json",
      message: JSON.stringify({ runnerId }),
    });
    expect(request?.headers).toMatchObject({ "connect-timeout-ms": "5000" });
    expect(request?.headers).not.toHaveProperty("content-type");
  });

  test("sends headers, which the headers of a call override", async () => {
    const { getRunner, server } = await startClient([ok], { headers: { "X-A": "1", "X-B": "2" } });
    await getRunner({ headers: { "x-b": "3" } });
    expect(server.requests[0]?.headers).toMatchObject({ "x-a": "1", "x-b": "3" });
  });

  test("runs interceptors once per call, without the token", async () => {
    const seen: unknown[] = [];
    const interceptor: Interceptor = (next) => async (request) => {
      seen.push(request.url, request.header.get("Authorization"));
      const response = await next(request);
      seen.push(request.header.get("Authorization"));
      seen.push(response.header.get("X-Response"), response.trailer.get("X-After"));
      return response;
    };
    const { getRunner, server } = await startClient(
      [
        unavailable,
        respond(200, { runner: {} }, { "X-Response": "yes", "Trailer-X-After": "later" }),
      ],
      { interceptors: [interceptor], token: "tok" },
    );
    await getRunner();
    expect(seen).toEqual([
      `${server.url}/gitpod.v1.RunnerService/GetRunner`,
      null,
      null,
      "yes",
      "later",
    ]);
  });

  test("disables the timeout for a call with timeoutMs: 0", async () => {
    const { getRunner, server } = await startClient([ok], { timeoutMs: 50 });
    await getRunner({ timeoutMs: 0 });
    expect(server.requests[0]?.headers).not.toHaveProperty("connect-timeout-ms");
  });

  test.each([
    ["runners.example.com", "is not a URL"],
    ["/api", "is not a URL"],
    ["runners.example.com/api", "did you mean https://runners.example.com/api?"],
    ["localhost:8080", "did you mean http://localhost:8080?"],
    ["[::1]:8080", "did you mean http://[::1]:8080?"],
    ["127.0.0.1:8080", "did you mean http://127.0.0.1:8080?"],
    ["10.0.0.1:8080", "did you mean https://10.0.0.1:8080?"],
    ["localhost:8080?a=secret", "did you mean http://localhost:8080?"],
    ["me:secret@runners.example.com", "is not a URL"],
    ["https://me:secret@runners.example.com:99999", "is not a URL"],
    ["http:8080", "is not a URL"],
    ["https:runners.example.com", "is not a URL"],
    ["mailto:runners", "is not a URL"],
    ["ftp://runners.example.com", "must use http: or https:"],
    [
      "https://runners.example.com/?a=secret",
      "must use http: or https: and have no query or fragment",
    ],
    ["https://me:secret@runners.example.com", "authenticate with a token"],
  ])("rejects the base URL %j", (baseUrl, message) => {
    expect(() => createClient({ baseUrl })).toThrow(message);
    expect(() => createClient({ baseUrl })).not.toThrow("secret");
  });
});

describe("a client with another transport", () => {
  const seen: Array<[string | null, number | undefined]> = [];
  const flaky = (failures: number) =>
    createRouterTransport(({ service }) => {
      service(RunnerService, {
        getRunner: (_, { requestHeader, timeoutMs }) => {
          seen.push([requestHeader.get("Authorization"), timeoutMs()]);
          if (failures-- > 0) {
            throw new ConnectError("down", Code.Unavailable);
          }
          return { runner: { runnerId } };
        },
      });
    });

  test("authenticates, sets the timeout and retries", async () => {
    const client = createRunnerClient({
      transport: flaky(1),
      token: "tok",
      timeoutMs: 60_000,
      retry: { clock: createFakeClock() },
    });
    expect((await client.getRunner({ runnerId })).runner?.runnerId).toBe(runnerId);
    expect(seen).toEqual([
      ["Bearer tok", expect.closeTo(60_000, -3)],
      ["Bearer tok", expect.closeTo(59_800, -3)],
    ]);
  });
});

describe("createRunnerClientFromEnv", () => {
  test.each([
    [{ ONA_API_KEY: "ona", GITPOD_API_KEY: "gitpod" }, "Bearer ona"],
    [{ ONA_API_KEY: "", GITPOD_API_KEY: "gitpod" }, "Bearer gitpod"],
    [{}, undefined],
  ])("reads the token from %j", async (env, authorization) => {
    const server = await serve(ok);
    await createRunnerClientFromEnv({}, { ONA_BASE_URL: server.url, ...env }).getRunner({});
    expect(server.requests[0]?.headers.authorization).toBe(authorization);
  });

  test("reads the older variable for the base URL, and options take precedence", async () => {
    const server = await serve(ok);
    const env = { GITPOD_BASE_URL: `${server.url}/env`, GITPOD_API_KEY: "env" };
    await createRunnerClientFromEnv({}, env).getRunner({});
    await createRunnerClientFromEnv({ baseUrl: server.url, token: "own" }, env).getRunner({});
    expect(server.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ["/env/gitpod.v1.RunnerService/GetRunner", "Bearer env"],
      ["/gitpod.v1.RunnerService/GetRunner", "Bearer own"],
    ]);
  });

  test("reports the invalid base URL", () => {
    expect(() => createRunnerClientFromEnv({}, { ONA_BASE_URL: "nope" })).toThrow('"nope"');
  });

  test.each([
    ["true", undefined, true],
    ["1", undefined, true],
    ["FALSE", undefined, false],
    ["", undefined, false],
    ["true", false, false],
    ["false", true, true],
  ])(
    "with ONA_ALLOW_CLEARTEXT_TOKEN=%s and the option %s, sending a token in cleartext is allowed: %s",
    (value, allowCleartextToken, isAllowed) => {
      const env = {
        ONA_ALLOW_CLEARTEXT_TOKEN: value,
        ONA_API_KEY: "t",
        ONA_BASE_URL: "http://mock",
      };
      const create = () => createRunnerClientFromEnv({ allowCleartextToken }, env);
      if (isAllowed) {
        create();
      } else {
        expect(create).toThrow("the token would be sent unencrypted to mock");
      }
    },
  );

  test("rejects an invalid flag in the environment", () => {
    expect(() => createRunnerClientFromEnv({}, { ONA_ALLOW_CLEARTEXT_TOKEN: "maybe" })).toThrow(
      'ONA_ALLOW_CLEARTEXT_TOKEN must be true or false, not "maybe"',
    );
  });
});
