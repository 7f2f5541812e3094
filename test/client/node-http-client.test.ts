import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { Code } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { createNodeHttpClient } from "../../src/client/node-http-client.ts";
import { createRunnerClientOverHttp } from "../../src/client/runner-client.ts";
import { resetMidway, startFailingServer } from "../support/failing-server.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

/** Starts a server that accepts no connections, and returns its URL. */
async function startFullServer(): Promise<string> {
  // The blocked process accepts no connections, so its backlog is full after a few of them.
  const code = `require("node:net").createServer().listen(0, "127.0.0.1", 1, function () {
    require("node:fs").writeSync(1, String(this.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  })`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const port = Number(await once(child.stdout, "data"));
  for (let n = 0; n < 4; n++) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    onTestFinished(() => void socket.destroy());
  }
  return `http://127.0.0.1:${port}`;
}

test("reports a connect timeout as unavailable even if the call's own timeout is longer", async () => {
  const baseUrl = await startFullServer();
  const client = createRunnerClientOverHttp(createNodeHttpClient("http:"), {
    baseUrl,
    retry: false,
  });
  await expect(client.getRunner({ runnerId }, { timeoutMs: 60_000 })).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: `no response from ${baseUrl}: connect timeout after 10 s`,
  });
}, 30_000);

test("reports a connection that closes during the response", async () => {
  await using server = await startFailingServer([resetMidway]);
  const options = { baseUrl: server.url, retry: false } as const;
  const client = createRunnerClientOverHttp(createNodeHttpClient("http:"), options);
  await expect(client.getRunner({ runnerId })).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: `no response from ${server.url}: the connection closed before the response was complete`,
  });
});
