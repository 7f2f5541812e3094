import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { StringValue } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import {
  connectNodeAdapter,
  createConnectTransport,
  createGrpcTransport,
} from "@connectrpc/connect-node";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  createMemoryRunnerStore,
  createRunnerRoutes,
  createTokenVerifier,
} from "../../src/server/index.ts";
import { createEchoClient, echo } from "../support/echo-service.ts";
import { post, runner, startServer } from "../support/server.ts";

const echoRoutes: NonNullable<Parameters<typeof startServer>[0]>["routes"] = (router) => {
  router.service(echo, {
    say: (message: StringValue) => message,
    async *repeat(message: StringValue) {
      for (let i = 0; i < 3; i++) {
        yield message;
      }
    },
  } as never);
};

describe("a server in a program", () => {
  test.each(["/", "/api"])(
    "serves additional services under %s, with every protocol",
    async (path) => {
      const { url } = await startServer({ routes: echoRoutes });
      for (const transport of [
        createConnectTransport({ baseUrl: url + path, httpVersion: "1.1" }),
        createConnectTransport({ baseUrl: url + path, httpVersion: "2" }),
        createGrpcTransport({ baseUrl: url + path }),
      ]) {
        const client = createEchoClient(transport);
        expect((await client.say({ value: "hello" })).value).toBe("hello");
        const repeated = await collect(client.repeat({ value: "again" }));
        expect(repeated.map(({ value }) => value)).toEqual(["again", "again", "again"]);
      }
      expect((await post(url)).status).toBe(200);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toContain('{protocol="grpc",method="Repeat",code="ok"} 1');
    },
  );

  test("requires a token for all services", async () => {
    const verifyToken = createTokenVerifier(["one"]);
    const { url } = await startServer({ routes: echoRoutes, verifyToken });
    const transport = createConnectTransport({ baseUrl: url, httpVersion: "2" });
    const client = createEchoClient(transport);
    const codeOf = (error: unknown) => ConnectError.from(error).code;
    expect(await client.say({ value: "x" }).catch(codeOf)).toBe(Code.Unauthenticated);
    expect(await collect(client.repeat({ value: "x" })).catch(codeOf)).toBe(Code.Unauthenticated);
  });

  test("applies the interceptors to all services, outermost first", async () => {
    const seen: string[] = [];
    const recordAs =
      (name: string): Interceptor =>
      (next) =>
      (request) => {
        seen.push(`${name} ${request.method.name}`);
        return next(request);
      };
    const interceptors = [recordAs("outer"), recordAs("inner")];
    const { url } = await startServer({ routes: echoRoutes, interceptors });
    const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
    const client = createEchoClient(transport);
    await client.say({ value: "x" });
    await post(url);
    expect(seen).toEqual(["outer Say", "inner Say", "outer GetRunner", "inner GetRunner"]);
  });

  test("can run next to others in one process, and frees its port when closed", async () => {
    const servers = await Promise.all([startServer(), startServer(), startServer()]);
    expect(new Set(servers.map(({ url }) => url)).size).toBe(3);
    await servers[0].close();
    expect((await post(servers[1].url)).status).toBe(200);
    const restarted = await startServer({ port: servers[0].port });
    expect((await post(restarted.url)).status).toBe(200);
  });
});

test("the routes work on any Connect router", async () => {
  const routes = createRunnerRoutes({ store: createMemoryRunnerStore([runner]) });
  const server = createServer(connectNodeAdapter({ routes }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect((await post(url)).body).toMatchObject({ runner: { name: "one" } });
  expect((await post(url, '{"runnerId":"nope"}')).body).toMatchObject({ code: "invalid_argument" });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) {
    result.push(item);
  }
  return result;
}
