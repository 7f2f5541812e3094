import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { Code, type ConnectError } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { createRunnerClient as createNodeRunnerClient } from "../../src/client/node.ts";
import { createNodeHttpClient } from "../../src/client/node-http-client.ts";
import {
  createRunnerClient,
  createRunnerClientOverHttp,
  type RunnerClient,
  type RunnerClientOptions,
} from "../../src/client/runner-client.ts";
import { waitForRunner } from "../../src/client/wait-for-runner.ts";
import { watchRunner } from "../../src/client/watch-runner.ts";
import { createCertificateAuthority, trustCertificate } from "../support/certificates.ts";
import { errorOf } from "../support/error-of.ts";
import { getUnreachableUrl } from "../support/failing-server.ts";
import { createFakeClock } from "../support/fake-clock.ts";

const runnerId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const authority = createCertificateAuthority();
const certificate = authority.issue();

const respond: RequestListener = (_, response) => {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ runner: { runnerId } }));
};

/** Listens on loopback until the end of the test, and returns the host and port. */
async function listen(server: NetServer): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const listenTls = (options: ServerOptions) => listen(createHttpsServer(options, respond));

/** Starts a server of TCP that sends `bytes` in response to anything, and closes the connection. */
const listenRaw = (bytes: string | Buffer) =>
  listen(createTcpServer((socket) => socket.once("data", () => socket.end(bytes))));

const clients = {
  fetch: createRunnerClient,
  undici: (options: RunnerClientOptions) => closeLater(createNodeRunnerClient(options)),
  "undici with HTTP/2": (options: RunnerClientOptions) =>
    closeLater(createNodeRunnerClient({ ...options, http2: true })),
  "node:http": (options: RunnerClientOptions) => {
    const { protocol } = new URL(options.baseUrl ?? "");
    return createRunnerClientOverHttp(createNodeHttpClient(protocol), options);
  },
};

function closeLater<Client extends RunnerClient & { close(): Promise<void> }>(client: Client) {
  onTestFinished(() => client.close());
  return client;
}

/** A reason why a call fails, and the message of its error after the URL. */
interface Failure {
  readonly name: string;
  /** Starts a server that fails, and returns its base URL. */
  start(): Promise<string>;
  readonly message: string | RegExp;
  /** The clients that fail for another reason, or do not fail. */
  readonly except?: readonly (keyof typeof clients)[];
}

const http1Clients = ["fetch", "undici", "node:http"] as const;

const permanentFailures: readonly Failure[] = [
  {
    name: "an unknown certificate authority",
    start: async () => `https://${await listenTls(certificate)}`,
    message:
      /: the certificate is not trusted \(unable to verify the first certificate\); .+ NODE_EXTRA_CA_CERTS/,
  },
  {
    name: "a self-signed certificate",
    start: async () => `https://${await listenTls(authority)}`,
    message: /: the certificate is not trusted \(self-signed certificate\); .+ NODE_EXTRA_CA_CERTS/,
  },
  {
    name: "an expired certificate",
    start: async () => {
      trustCertificate(authority.cert);
      return `https://${await listenTls(authority.issue({ years: [2020, 2021] }))}`;
    },
    message: ": certificate has expired; renew the certificate, or set the clock of this machine",
  },
  {
    name: "a certificate of the future",
    start: async () => {
      trustCertificate(authority.cert);
      return `https://${await listenTls(authority.issue({ years: [2098, 2099] }))}`;
    },
    message:
      ": certificate is not yet valid; renew the certificate, or set the clock of this machine",
  },
  {
    name: "a certificate for another host",
    start: async () => {
      trustCertificate(authority.cert);
      return `https://${await listenTls(authority.issue({ subjectAltName: "DNS:example.com" }))}`;
    },
    message: /: the certificate is for another host \(.*127\.0\.0\.1.*\)/,
  },
  {
    name: "https: to a port without TLS",
    start: async () => `https://${await listen(createServer(respond))}`,
    message: ": the port does not use TLS; use http: or another port",
  },
  {
    name: "https: to a port that speaks another protocol",
    start: async () => `https://${await listenRaw("SSH-2.0-OpenSSH_9.9\r\n")}`,
    message: ": the port does not use TLS; use http: or another port",
  },
  {
    name: "a server with old versions of TLS only",
    start: async () => {
      const ciphers = "DEFAULT@SECLEVEL=0";
      const options = { ...certificate, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers };
      return `https://${await listenTls(options as ServerOptions)}`;
    },
    message: /: the TLS handshake failed \(.*protocol version.*\); check the TLS settings/,
  },
  {
    name: "http: to a server of nginx with TLS",
    start: async () =>
      `http://${await listenRaw(
        "HTTP/1.1 400 Bad Request\r\nServer: nginx/1.29.0\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" +
          "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n</html>\r\n",
      )}`,
    message: /^HTTP 400 .+ The plain HTTP request was sent to HTTPS port/,
    except: ["undici with HTTP/2"],
  },
  {
    name: "http: to a server of Go with TLS",
    start: async () =>
      `http://${await listenRaw("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")}`,
    message: /^HTTP 400 .+ Client sent an HTTP request to an HTTPS server/,
    except: ["undici with HTTP/2"],
  },
  {
    name: "http: to a port that answers with a TLS alert",
    start: async () => `http://${await listenRaw(Buffer.from([0x15, 3, 1, 0, 2, 2, 0x0a]))}`,
    message:
      /: the response is not HTTP\/1\.1 \(.+\); check the port, .+; if the server uses TLS, use https:$/,
    except: ["undici with HTTP/2"],
  },
  {
    name: "a port that speaks another protocol",
    start: async () => `http://${await listenRaw("SSH-2.0-OpenSSH_9.9\r\n")}`,
    message: /: the response is not HTTP\/[12](\.1)? \(.+\); check the port/,
  },
  {
    name: "a server with HTTP/2 only",
    start: async () => `http://${await listen(createHttp2Server())}`,
    message: /: the response is not HTTP\/1\.1 \(.+\); .+ the option http2/,
    except: ["undici with HTTP/2"],
  },
  {
    name: "a server with HTTP/2 only, over TLS",
    start: async () => {
      trustCertificate(authority.cert);
      return `https://${await listen(createSecureServer(certificate))}`;
    },
    message: /: the server requires HTTP\/2; set the option http2/,
    // Does not offer a protocol, so that the server answers with 403.
    except: ["undici with HTTP/2", "node:http"],
  },
  {
    name: "a server with HTTP/1.1 only",
    start: async () => `http://${await listen(createServer(respond))}`,
    message: /: the response is not HTTP\/2 \(.+\); check the port, or unset the option http2/,
    except: http1Clients,
  },
  {
    name: "headers that are too large",
    start: async () =>
      `http://${await listenRaw(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}\r\n\r\n`)}`,
    message: /: .*headers? overflow/i,
    except: ["undici with HTTP/2"],
  },
  {
    name: "a redirect",
    start: async () =>
      `http://${await listenRaw("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")}`,
    message: /^HTTP 302 from .+\/login; redirects are not followed/,
    except: ["undici with HTTP/2"],
  },
  {
    name: "a port that fetch blocks",
    start: async () => "http://127.0.0.1:6000",
    message: ": bad port",
    except: ["undici", "undici with HTTP/2", "node:http"],
  },
];

const transientFailures: readonly Failure[] = [
  { name: "a refused connection", start: getUnreachableUrl, message: /ECONNREFUSED(?!.*TLS)/ },
  {
    name: "a host name that does not exist",
    start: async () => "http://runner-service.invalid:8080",
    message: /ENOTFOUND|EAI_AGAIN/,
  },
  {
    name: "a network that cannot be reached",
    start: async () => "http://255.255.255.255:8080",
    message: /ENETUNREACH|EHOSTUNREACH|EACCES/,
  },
  {
    name: "a connection that is reset at once",
    start: async () => `http://${await listen(createTcpServer((s) => s.resetAndDestroy()))}`,
    message: "ECONNRESET",
  },
  {
    name: "a connection that is reset during the TLS handshake",
    start: async () =>
      `https://${await listen(createTcpServer((s) => s.once("data", () => s.resetAndDestroy())))}`,
    message: "ECONNRESET",
  },
  {
    name: "a connection that closes during the TLS handshake",
    start: async () => `https://${await listenRaw("")}`,
    message: "disconnected before secure TLS connection was established",
  },
  {
    name: "a connection that closes without a response",
    start: async () => `http://${await listenRaw("")}`,
    message: /other side closed|socket hang up/,
  },
  {
    name: "http: to a server of Node.js with TLS",
    start: async () => `http://${await listenTls(certificate)}`,
    message: /(other side closed|socket hang up); if the server uses TLS, use https:/,
  },
  {
    name: "a connection that closes within the headers",
    start: async () => `http://${await listenRaw("HTTP/1.1 200 OK\r\nConte")}`,
    message: /other side closed|socket hang up/,
    except: ["undici with HTTP/2"],
  },
  {
    name: "a connection that closes within a chunk",
    start: async () =>
      `http://${await listenRaw('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"a')}`,
    message: /other side closed|closed before the response was complete/,
    except: ["undici with HTTP/2"],
  },
  {
    name: "GOAWAY",
    start: async () => {
      const server = createHttp2Server();
      server.on("session", (session) => session.on("error", () => {}).goaway(2));
      server.on("stream", (stream) => stream.on("error", () => {}));
      return `http://${await listen(server)}`;
    },
    message: /GOAWAY|Session closed/,
    except: http1Clients,
  },
  {
    name: "an HTTP/2 session that is destroyed",
    start: async () => {
      const server = createHttp2Server();
      server.on("stream", (stream) => stream.on("error", () => {}).session?.destroy());
      return `http://${await listen(server)}`;
    },
    message: /closed|GOAWAY/i,
    except: http1Clients,
  },
  {
    name: "an HTTP/2 stream that is refused",
    start: async () => {
      const server = createHttp2Server();
      server.on("stream", (stream) => stream.on("error", () => {}).close(7));
      return `http://${await listen(server)}`;
    },
    message: "REFUSED_STREAM",
    except: http1Clients,
  },
];

describe.each(Object.entries(clients))("with %s", (clientName, createClient) => {
  const applies = ({ except = [] }: Failure) => !(except as readonly string[]).includes(clientName);

  describe.each(permanentFailures.filter(applies))("$name", ({ name, start, message }) => {
    test("fails at once, and says what to do", async () => {
      const baseUrl = await start();
      const clock = createFakeClock();
      const client = createClient({ baseUrl, retry: { clock }, timeoutMs: 5000 });
      const error = await errorOf(client.getRunner({ runnerId }));
      expect(error.code).toBe(name === "a redirect" ? Code.Unimplemented : Code.FailedPrecondition);
      expect(error.rawMessage).toMatch(message);
      expect(error.rawMessage).toContain(baseUrl);
      expect(error.rawMessage).not.toMatch(/[\r\n]|attempts|SSL routines|openssl\/ssl/);
      expect(clock.sleeps).toEqual([]);
    });

    test("ends watching and waiting", async () => {
      const client = createClient({ baseUrl: await start(), timeoutMs: 5000 });
      const watching = watchRunner(client, runnerId, { clock: createFakeClock() }).next();
      expect((await errorOf(watching)).rawMessage).toMatch(message);
      const waiting = waitForRunner(client, runnerId, () => true, { clock: createFakeClock() });
      expect((await errorOf(waiting)).rawMessage).toMatch(message);
    });
  });

  describe.each(transientFailures.filter(applies))("$name", ({ start, message }) => {
    test("is retried", async () => {
      const baseUrl = await start();
      const clock = createFakeClock();
      const client = createClient({ baseUrl, retry: { clock } });
      const error = await errorOf(client.getRunner({ runnerId }));
      expect(error.code).toBe(Code.Unavailable);
      expect(error.rawMessage).toContain(`no response from ${baseUrl}: `);
      expect(error.rawMessage).toMatch(message);
      expect(clock.sleeps).toEqual([200, 400, 800]);
    });

    test("is reported while watching and waiting", async () => {
      const client = createClient({ baseUrl: await start(), retry: false });
      const events = watchRunner(client, runnerId, { clock: createFakeClock() });
      const { value } = await events.next();
      expect(value).toMatchObject({ type: "error", error: { code: Code.Unavailable } });
      await events.return();
      const errors: (ConnectError | undefined)[] = [];
      const waiting = waitForRunner(client, runnerId, () => true, {
        clock: createFakeClock(0.5),
        intervalMs: 5000,
        timeoutMs: 9000,
        onProgress: ({ error }) => errors.push(error),
      });
      await expect(waiting).rejects.toThrow("it could not be read; the last call failed: ");
      expect(errors.map((error) => error?.code)).toEqual([Code.Unavailable, Code.Unavailable]);
      expect(errors[0]?.rawMessage).toMatch(message);
    });
  });
});

test("a header that the transport does not accept is not retried", async () => {
  const clock = createFakeClock();
  const client = clients.undici({
    baseUrl: `http://${await listen(createServer(respond))}`,
    headers: { Expect: "100-continue" },
    retry: { clock },
  });
  const error = await errorOf(client.getRunner({ runnerId }));
  expect(error.code).toBe(Code.FailedPrecondition);
  expect(error.rawMessage).toContain("expect header not supported");
  expect(clock.sleeps).toEqual([]);
});
