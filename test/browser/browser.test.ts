import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { respond, startFailingServer } from "../support/failing-server.ts";
import { bundleForBrowser } from "./bundle.ts";

const executablePath = "/usr/bin/chromium";
const isInstalled = existsSync(executablePath);
if (!isInstalled) {
  process.stderr.write(
    `\nSKIPPED: the client in a real browser, because ${executablePath} does not exist.\n\n`,
  );
}

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

/** Allows pages of any origin to read responses and their headers. */
const cors = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Headers": "*, Authorization",
};

test.skipIf(!isInstalled)(
  "the client reads runners and errors in a real browser",
  async () => {
    const html = { "Content-Type": "text/html" };
    const script = { "Content-Type": "text/javascript" };
    await using page = await startFailingServer([
      respond(
        200,
        `<script type="module">
         import * as runnerService from "/bundle.js";
         Object.assign(globalThis, { runnerService });
       </script>`,
        html,
      ),
      respond(200, await bundleForBrowser(), script),
    ]);
    const preflight = respond(204, "", cors);
    const responses = [
      respond(200, { runner: { runnerId, status: { capabilities: [11] } } }, cors),
      respond(404, { code: "not_found", message: "no such runner" }, cors),
      respond(302, "", { ...cors, Location: page.url }),
      // Without CORS headers.
      respond(200, { runner: { runnerId } }),
    ];
    await using api = await startFailingServer([
      (response) => (response.req.method === "OPTIONS" ? preflight : responses.shift())?.(response),
    ]);
    const browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"],
    });
    try {
      const tab = await browser.newPage();
      await tab.goto(page.url);
      const results = await tab.evaluate(
        async ({ baseUrl, runnerId }) => {
          const { createRunnerClient, RunnerCapability } = (
            globalThis as unknown as { runnerService: typeof import("../../src/index.ts") }
          ).runnerService;
          const client = createRunnerClient({ baseUrl, token: "tok", retry: false });
          const { runner } = await client.getRunner({ runnerId });
          const getError = () =>
            client.getRunner({ runnerId }).catch((error: Error) => error.message);
          return {
            name: runner?.runnerId,
            hasWarmPool: runner?.status?.capabilities.includes(RunnerCapability.WARM_POOL),
            errors: [await getError(), await getError(), await getError()],
          };
        },
        { baseUrl: api.url, runnerId },
      );
      const method = `${api.url}/gitpod.v1.RunnerService/GetRunner`;
      expect(results).toEqual({
        name: runnerId,
        hasWarmPool: true,
        errors: [
          "[not_found] no such runner",
          `[unimplemented] redirect from ${method}; redirects are not followed`,
          expect.stringContaining(`[unavailable] no response from ${api.url}: `),
        ],
      });
      const calls = api.requests.filter(({ method }) => method === "POST");
      expect(calls.map(({ headers }) => headers.authorization)).toEqual(
        calls.map(() => "Bearer tok"),
      );
      expect(calls).toHaveLength(4);
    } finally {
      await browser.close();
    }
  },
  60_000,
);
