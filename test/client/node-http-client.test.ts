import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { Code } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { createNodeHttpClient } from "../../src/client/node-http-client.ts";
import { createRunnerClientOverHttp } from "../../src/client/runner-client.ts";
import { resetMidway, startFailingServer } from "../support/failing-server.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

/** Starts a server that takes no more connections, and returns its URL. */
async function startFullServer(): Promise<string> {
  // Asleep, it takes no connection from the queue, which then is full.
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

test("a server that does not take the connection is unavailable, however long the call may last", async () => {
  const baseUrl = await startFullServer();
  const client = createRunnerClientOverHttp(createNodeHttpClient("http:"), {
    baseUrl,
    retry: false,
  });
  await expect(client.getRunner({ runnerId }, { timeoutMs: 60_000 })).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: `no answer from ${baseUrl}: no connection within 10 s`,
  });
}, 30_000);

test("an answer that ends too soon makes an error that says so", async () => {
  await using server = await startFailingServer([resetMidway]);
  const options = { baseUrl: server.url, retry: false } as const;
  const client = createRunnerClientOverHttp(createNodeHttpClient("http:"), options);
  await expect(client.getRunner({ runnerId })).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: `no answer from ${server.url}: the connection was lost midway`,
  });
});
