import { create } from "@bufbuild/protobuf";
import { onTestFinished } from "vitest";
import { RunnerSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import {
  createMemoryRunnerStore,
  createRunnerServer,
  type RunnerServer,
  type RunnerServerOptions,
} from "../../src/server/index.ts";

/** The runner that test servers serve by default. */
export const runner = create(RunnerSchema, {
  runnerId: "d2c94c27-3b76-4a42-b88c-95a85e392c68",
  name: "one",
});

/** The id of a runner that does not exist. */
export const unknownId = "00000000-0000-4000-8000-000000000000";

/** The path of GetRunner. */
export const getRunnerPath = "/gitpod.v1.RunnerService/GetRunner";

/**
 * Starts a server on a free port and closes it at the end of the test. By default it serves
 * {@link runner}.
 */
export async function startServer(
  options: Partial<RunnerServerOptions> = {},
): Promise<RunnerServer & { readonly url: string; readonly port: number }> {
  const server = createRunnerServer({
    store: createMemoryRunnerStore([runner]),
    port: 0,
    ...options,
  });
  const url = await server.start();
  onTestFinished(() => server.close({ timeoutMs: 0 }));
  return { ...server, url, port: Number(new URL(url).port) };
}

/** Calls GetRunner with plain fetch, by default for {@link runner}. A JSON response body is parsed. */
export async function post(
  baseUrl: string,
  body: string = JSON.stringify({ runnerId: runner.runnerId }),
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: unknown }> {
  const response = await fetch(baseUrl + getRunnerPath, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body,
  });
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.includes("json");
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
  };
}
