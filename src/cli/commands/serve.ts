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
import type { FileRunnerStoreEvent } from "../../fixture/file-runner-store-event.ts";
import { isRequestable } from "../../fixture/fixture.ts";
import { enumShortName } from "../../runner/enum-name.ts";
import { createTokenVerifier, type TokenVerifier } from "../../server/authentication.ts";
import { createRunnerServer } from "../../server/runner-server.ts";
import { openTokenFile } from "../../server/token-file.ts";
import { createFileStoreObserver } from "../file-store-observer.ts";
import { createServeLogger } from "../output/serve-logger.ts";
import { releaseLoadingMemory } from "../release-memory.ts";
import { sampleRunnersFolder } from "../sample-runners.ts";
import type { ServeOptions } from "./serve-options.ts";

/** `runnerctl serve`: runs the reference server until SIGINT or SIGTERM. */
export async function serve(options: ServeOptions): Promise<void> {
  // Registered first, because a signal may arrive at any moment, also while files are loaded.
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const logger = await createServeLogger(options.logLevel);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const tls = await readTls(options);
  const tokens = await openTokens(options, logger);
  const store = await openStore(options, createFileStoreObserver(logger, registry), stop.signal);
  try {
    if (store === undefined) {
      return;
    }
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
      ...(tokens && { verifyToken: tokens.verifyToken }),
      ...(tls && { tls }),
    });
    const url = await server.start();
    process.stdout.write(formatBanner(url, store, tokens !== undefined));
    await aborted(stop.signal);
    logger.debug("shutting down");
    await server.close({ timeoutMs: options.shutdownTimeout });
  } finally {
    await store?.close();
    tokens?.close();
  }
}

/** Opens the store of `--data`. Returns undefined if the signal is aborted meanwhile. */
async function openStore(
  { data, sample, lenient }: ServeOptions,
  onEvent: (event: FileRunnerStoreEvent) => void,
  signal: AbortSignal,
): Promise<FileRunnerStore | undefined> {
  const paths = [...data, ...(sample ? [sampleRunnersFolder()] : [])];
  try {
    return await openFileRunnerStore({ paths, lenient, onEvent, signal });
  } catch (error) {
    if (error === signal.reason) {
      return undefined;
    }
    throw error;
  }
}

/** Resolves when the signal is aborted. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}

/**
 * Opens the tokens of `--token` and `--token-file`, and returns a verifier that
 * follows changes of the file. Returns undefined if neither option is set.
 */
async function openTokens(
  { token, tokenFile }: ServeOptions,
  logger: Logger,
): Promise<{ verifyToken: TokenVerifier; close: () => void } | undefined> {
  if (tokenFile === undefined) {
    return token.length === 0
      ? undefined
      : { verifyToken: createTokenVerifier(token), close: () => {} };
  }
  const file = await openTokenFile(tokenFile, (fileTokens, error) => {
    if (error === undefined) {
      verify = createTokenVerifier([...token, ...fileTokens]);
      logger.info({ tokens: fileTokens.length }, "token file reloaded");
    } else {
      logger.error(
        { err: error },
        "token file not reloaded; the previous tokens are still accepted",
      );
    }
  });
  let verify = createTokenVerifier([...token, ...file.tokens]);
  return { verifyToken: (presentedToken) => verify(presentedToken), close: file.close };
}

async function readTls({ tlsCert, tlsKey }: ServeOptions) {
  return tlsCert !== undefined && tlsKey !== undefined
    ? { cert: await readFile(tlsCert), key: await readFile(tlsKey) }
    : undefined;
}

/** The maximum number of runners in the banner. */
const maxBannerRunners = 20;

/** Formats the start-up output: the address, the runners, and a curl command to try. */
function formatBanner(url: string, store: FileRunnerStore, needsToken: boolean): string {
  const shown: Runner[] = [];
  for (const runner of store.runners()) {
    if (shown.push(runner) === maxBannerRunners) {
      break;
    }
  }
  const example = findExample(shown) ?? findExample(store.runners());
  const lines = [
    `Serving ${store.size} ${store.size === 1 ? "runner" : "runners"} on ${url}`,
    "",
    ...shown.map(
      ({ runnerId, name, status }) =>
        `  ${runnerId}  ${formatPhase(status?.phase).padEnd(8)}  ${name}`,
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

/** Returns a runner that can be requested, if possible an active one. */
function findExample(runners: Iterable<Runner>): Runner | undefined {
  let example: Runner | undefined;
  for (const runner of runners) {
    if (isRequestable(runner)) {
      example ??= runner;
      if (runner.status?.phase === RunnerPhase.ACTIVE) {
        return runner;
      }
    }
  }
  return example;
}

function formatPhase(phase: RunnerPhase = RunnerPhase.UNSPECIFIED): string {
  return enumShortName(RunnerPhaseSchema, phase);
}
