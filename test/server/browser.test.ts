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
    `\nSKIPPED: the server called by web pages. There is no ${executablePath}.\n\n`,
  );
}

test.skipIf(!isInstalled)(
  "a web page of an origin that is let in calls by Connect and gRPC-Web, and one of another cannot",
  async () => {
    const page = createServer((_, response) => response.end("<title>page</title>"));
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void page.close());
    const { port } = page.address() as AddressInfo;
    // The same page under two names is of two origins.
    const [letIn, other] = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
    const { url } = await startServer({
      corsOrigins: [letIn],
      verifyToken: createTokenVerifier(["let-me-in"]),
    });

    const browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"],
    });
    onTestFinished(() => browser.close());
    const seenFrom = async (origin: string) => {
      const tab = await browser.newPage();
      await tab.goto(origin);
      return tab.evaluate(
        async ({ to, id }) => {
          const call = async (contentType: string, body: BodyInit, token: string) => {
            try {
              const response = await fetch(to, {
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
        { to: url + getRunnerPath, id: runner.runnerId },
      );
    };

    expect(await seenFrom(letIn)).toEqual([
      expect.stringMatching(/^200 null \{"runner":.*"name":"one"/),
      expect.stringMatching(/^200 null [\s\S]*"name":"one"[\s\S]*grpc-status: 0/),
      expect.stringMatching(/^401 Bearer \{"code":"unauthenticated"/),
    ]);
    expect(await seenFrom(other)).toEqual(Array(3).fill("TypeError: Failed to fetch"));
  },
  60_000,
);
