import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import {
  type Runner,
  RunnerPhase,
  RunnerPhaseSchema,
} from "../../../gen/gitpod/v1/runner_service_pb.ts";
import { type FileRunnerStore, openFileRunnerStore } from "../../fixture/file-runner-store.ts";
import { enumShortName } from "../../runner/enum-name.ts";
import { createTokenVerifier, type TokenVerifier } from "../../server/authentication.ts";
import { createRunnerServer } from "../../server/runner-server.ts";
import { openTokenFile } from "../../server/token-file.ts";
import { createFileStoreObserver } from "../file-store-observer.ts";
import { createServeLog } from "../output/serve-log.ts";
import { releaseLoadingMemory } from "../release-memory.ts";
import type { ServeOptions } from "./serve-options.ts";

/** `runnerctl serve`: the reference server, until SIGINT or SIGTERM. */
export async function serve(options: ServeOptions): Promise<void> {
  // Listened for from the beginning: whoever sees the banner may send a signal at once.
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const logger = await createServeLog(options.logLevel);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const tls = await readTls(options);
  const access = await openAccess(options, logger);
  const store = await openFileRunnerStore({
    paths: options.data,
    lenient: options.lenient,
    onEvent: createFileStoreObserver(logger, registry),
  });
  try {
    await releaseLoadingMemory(store.size);
    const server = createRunnerServer({
      store,
      host: options.host,
      port: options.port,
      pathPrefix: options.pathPrefix,
      allowUnauthenticated: options.allowUnauthenticated,
      corsOrigins: options.corsOrigin,
      limits: {
        maxBodyBytes: options.maxBodyBytes,
        maxHeaderBytes: options.maxHeaderBytes,
        maxConnections: options.maxConnections,
        maxStreams: options.maxStreams,
        headersTimeoutMs: options.headersTimeout,
        requestTimeoutMs: options.requestTimeout,
        idleTimeoutMs: options.idleTimeout,
      },
      logger,
      registry,
      ...(access && { verifyToken: access.verifyToken }),
      ...(tls && { tls }),
    });
    const url = await server.start();
    process.stdout.write(banner(url, store, access !== undefined));
    await stopped;
    logger.debug("closing");
    await server.close({ timeoutMs: options.shutdownTimeout });
  } finally {
    await store.close();
    access?.close();
  }
}

/** Who may call: whoever has one of the tokens of the options; undefined when they name none. */
async function openAccess(
  { token, tokenFile }: ServeOptions,
  logger: Logger,
): Promise<{ verifyToken: TokenVerifier; close: () => void } | undefined> {
  if (tokenFile === undefined) {
    return token.length === 0
      ? undefined
      : { verifyToken: createTokenVerifier(token), close: () => {} };
  }
  const file = await openTokenFile(tokenFile, (tokens, error) => {
    if (error === undefined) {
      verify = createTokenVerifier([...token, ...tokens]);
      logger.info({ tokens: tokens.length }, "tokens read again");
    } else {
      logger.error({ err: error }, "tokens not read again: those before go on being let in");
    }
  });
  let verify = createTokenVerifier([...token, ...file.tokens]);
  return { verifyToken: (presented) => verify(presented), close: file.close };
}

async function readTls({ tlsCert, tlsKey }: ServeOptions) {
  return tlsCert !== undefined && tlsKey !== undefined
    ? { cert: await readFile(tlsCert), key: await readFile(tlsKey) }
    : undefined;
}

/** As many runners as the banner lists. */
const bannerLength = 20;

/** What a person needs to know to begin: the address, the runners and a line to try. */
function banner(url: string, store: FileRunnerStore, needsToken: boolean): string {
  const shown: Runner[] = [];
  for (const runner of store.runners()) {
    if (shown.push(runner) === bannerLength) {
      break;
    }
  }
  const example = shown.find(({ status }) => status?.phase === RunnerPhase.ACTIVE) ?? shown[0];
  const lines = [
    `Serving ${store.size} runners on ${url}`,
    "",
    ...shown.map(
      ({ runnerId, name, status }) =>
        `  ${runnerId}  ${phaseName(status?.phase).padEnd(8)}  ${name}`,
    ),
  ];
  if (store.size > shown.length) {
    lines.push(`  and ${store.size - shown.length} more`);
  }
  if (example !== undefined) {
    const options = [
      ...(url.startsWith("https:") ? ["--insecure"] : []),
      ...(needsToken ? ['-H "Authorization: Bearer $TOKEN"'] : []),
      "-H 'Content-Type: application/json'",
      `-d '{"runnerId":"${example.runnerId}"}'`,
    ];
    lines.push("", "Try:", `  curl ${options.join(" ")} ${url}/gitpod.v1.RunnerService/GetRunner`);
  }
  return `${lines.join("\n")}\n`;
}

function phaseName(phase: RunnerPhase = RunnerPhase.UNSPECIFIED): string {
  return enumShortName(RunnerPhaseSchema, phase);
}
