import { describe, expect, onTestFinished, test } from "vitest";
import { getUnreachableUrl, respond, startFailingServer } from "../../support/failing-server.ts";
import { startProxy } from "../../support/proxy.ts";
import { runRunnerctl } from "../../support/runnerctl.ts";

const runnerId = "3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97";
const ok = respond(200, { runner: { runnerId, name: "secret name" } }, { "X-Request-Id": "req-1" });
const down = respond(
  503,
  { code: "unavailable", message: "down" },
  { "X-Request-Id": "req-0\u009b", "Set-Cookie": "session=secret", "Retry-After": "0" },
);

async function startServer(...behaviors: Parameters<typeof startFailingServer>[0]) {
  const server = await startFailingServer(behaviors);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** Replaces durations, deadlines and ports. */
const mask = (text: string) =>
  text
    .replace(/\d+ ms/g, "… ms")
    .replace(/(timeout-ms: )\d+/g, "$1…")
    .replace(/127\.0\.0\.1:\d+/g, "HOST");

describe("--verbose", () => {
  test("prints the requests and responses of all attempts, without credentials", async () => {
    const { url } = await startServer(down, ok);
    const args = ["get", runnerId, "-o", "name", "-v", "--base-url", url];
    const { code, stdout, stderr } = await runRunnerctl(args, { ONA_API_KEY: "secret-token" });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${runnerId}\n` });
    expect(
      mask(stderr).replace(/^< (date|transfer-encoding|keep-alive|connection): .+\n/gm, ""),
    ).toMatchInlineSnapshot(`
        "> POST http://HOST/gitpod.v1.RunnerService/GetRunner (request 1, attempt 1)
        > connect-timeout-ms: …
        > authorization: [redacted]
        > content-type: application/json
        > connect-protocol-version: 1
        > {"runnerId":"3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97"}
        < HTTP 503 (request 1, … ms, 39 bytes)
        < content-type: application/json
        < x-request-id: req-0�
        < set-cookie: [redacted]
        < retry-after: 0
        > POST http://HOST/gitpod.v1.RunnerService/GetRunner (request 2, attempt 2)
        > connect-timeout-ms: …
        > content-type: application/json
        > connect-protocol-version: 1
        > authorization: [redacted]
        > {"runnerId":"3b8d6a52-5f14-4c0b-a7e9-6d1c0f2e8b97"}
        < HTTP 200 (request 2, … ms, 83 bytes)
        < content-type: application/json
        < x-request-id: req-1
        "
      `);
    expect(stderr).not.toContain("secret");
  });

  test("prints that there is no response", async () => {
    const baseUrl = await getUnreachableUrl();
    const args = ["get", runnerId, "--verbose", "--base-url", baseUrl, "--timeout", "200ms"];
    const { stderr } = await runRunnerctl(args);
    expect(mask(stderr)).toMatch(
      /^< no response from http:\/\/HOST: connect ECONNREFUSED HOST \(request 1, … ms\)$/m,
    );
  });

  test("numbers the requests for several runners, and prints which runner each is for", async () => {
    const { url } = await startServer(ok);
    const ids = [runnerId, runnerId.replace("3", "4")];
    const args = ["get", ...ids, "-o", "name", "-v", "--base-url", url];
    const { stderr } = await runRunnerctl(args);
    for (const [i, id] of ids.entries()) {
      expect(stderr).toMatch(
        new RegExp(`\\(request ${i + 1}, attempt 1\\)\n(> .+\n)*> \\{"runnerId":"${id}"\\}\n`),
      );
      expect(stderr).toMatch(new RegExp(`^< HTTP 200 \\(request ${i + 1}, `, "m"));
    }
  });

  test("works with a proxy", async () => {
    const proxy = await startProxy();
    const { url } = await startServer(ok);
    // An address of this machine that is not recognized as loopback, so that the proxy applies.
    const baseUrl = url.replace("127.0.0.1", "0.0.0.0");
    const args = ["get", runnerId, "-o", "name", "-v", "--base-url", baseUrl];
    const { code, stderr } = await runRunnerctl(args, { HTTP_PROXY: proxy.url });
    expect({ code, targets: proxy.targets }).toEqual({
      code: 0,
      targets: [new URL(url).host.replace("127.0.0.1", "0.0.0.0")],
    });
    expect(stderr).toContain("< HTTP 200 (request 1, ");
  });
});
