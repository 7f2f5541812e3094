import { once } from "node:events";
import type { Logger } from "pino";
import { Registry } from "prom-client";
import { type FileRunnerStore, openFileRunnerStore } from "../../fixture/file-runner-store.ts";
import type { FileRunnerStoreEvent } from "../../fixture/file-runner-store-event.ts";
import { createTokenVerifier, type TokenVerifier } from "../../server/authentication.ts";
import { createRunnerServer } from "../../server/runner-server.ts";
import { openTokenFile } from "../../server/token-file.ts";
import { ExitCode } from "../exit-code.ts";
import { createFileStoreObserver } from "../file-store-observer.ts";
import { readOptionFile } from "../option-file.ts";
import { formatServeBanner } from "../output/serve-banner.ts";
import { createServeLogger } from "../output/serve-logger.ts";
import { onClosedOutput, writeOutput } from "../output/standard-output.ts";
import { collectProcessMetrics } from "../process-metrics.ts";
import { releaseLoadingMemory } from "../release-memory.ts";
import { sampleRunnersFolder } from "../sample-runners.ts";
import { createTerminationSignal, delayUntilTerminationSignal } from "../termination-signals.ts";
import { readTlsFiles } from "../tls-files.ts";
import type { ServeOptions } from "./serve-options.ts";

/** `runnerctl serve`: runs the reference server until a termination signal, such as Ctrl-C. */
export async function serve(options: ServeOptions): Promise<void> {
  // Registered first, because a signal may arrive at any moment, also while files are loaded.
  const stopSignal = createTerminationSignal({ exitCode: ExitCode.done });
  const registry = new Registry();
  const logger = await createServeLogger(options.logLevel, registry);
  collectProcessMetrics(registry);
  for (const warning of options.warnings) {
    logger.warn(warning);
  }
  const { tlsCert, tlsKey } = options;
  const tls =
    tlsCert !== undefined && tlsKey !== undefined ? readTlsFiles(tlsCert, tlsKey) : undefined;
  const tokens = await openTokens(options, logger);
  const store = await openStore(options, createFileStoreObserver(logger, registry), stopSignal);
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
    onClosedOutput(() => {
      logger.warn({ url }, "standard output is closed; the banner is lost");
    });
    writeOutput(formatServeBanner(url, store, tokens !== undefined));
    await aborted(stopSignal);
    if (options.drainDelay > 0) {
      server.drain();
      logger.info(
        { delayMs: options.drainDelay },
        "draining: /readyz reports 503; another signal ends the delay",
      );
      await delayUntilTerminationSignal(options.drainDelay);
    }
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
  // The error of an unreadable file names the option.
  readOptionFile("--token-file", tokenFile);
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
