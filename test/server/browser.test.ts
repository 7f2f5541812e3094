import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { createTokenVerifier } from "../../src/server/index.ts";
import { getRunnerPath, runner, startServer } from "../support/server.ts";

const executablePath = "/usr/bin/chromium";
const isInstalled = existsSync(executablePath);
if (!isInstalled) {
  process.stderr.write(
    `\nSKIPPED: calls from web pages to the server. ${executablePath} is not installed.\n\n`,
  );
}

test.skipIf(!isInstalled)(
  "accepts Connect and gRPC-Web calls from web pages of allowed origins only",
  async () => {
    const page = createServer((_, response) => response.end("<title>page</title>"));
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void page.close());
    const { port } = page.address() as AddressInfo;
    // Two names of the same page are two origins.
    const [allowed, other] = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
    const { url } = await startServer({
      corsOrigins: [allowed],
      verifyToken: createTokenVerifier(["let-me-in"]),
    });

    const browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"],
    });
    onTestFinished(() => browser.close());
    const outcomesFrom = async (origin: string) => {
      const tab = await browser.newPage();
      await tab.goto(origin);
      return tab.evaluate(
        async ({ url, id }) => {
          const call = async (contentType: string, body: BodyInit, token: string) => {
            try {
              const response = await fetch(url, {
                method: "POST",
                headers: {
                  Authorization: `Bearer ${token}`,
                  "Content-Type": contentType,
                  "Connect-Timeout-Ms": "5000",
                  "X-Grpc-Web": "1",
                },
                body,
              });
              const text = await response.text();
              return `${response.status} ${response.headers.get("WWW-Authenticate")} ${text}`;
            } catch (error) {
              return String(error);
            }
          };
          const json = JSON.stringify({ runnerId: id });
          const framed = `\0\0\0\0${String.fromCharCode(json.length)}${json}`;
          return [
            await call("application/json", json, "let-me-in"),
            await call("application/grpc-web+json", framed, "let-me-in"),
            await call("application/json", json, "guess"),
          ];
        },
        { url: url + getRunnerPath, id: runner.runnerId },
      );
    };

    expect(await outcomesFrom(allowed)).toEqual([
      expect.stringMatching(/^200 null \{"runner":.*"name":"one"/),
      expect.stringMatching(/^200 null [\s\S]*"name":"one"[\s\S]*grpc-status: 0/),
      expect.stringMatching(/^401 Bearer \{"code":"unauthenticated"/),
    ]);
    expect(await outcomesFrom(other)).toEqual(Array(3).fill("TypeError: Failed to fetch"));
  },
  60_000,
);
