import type { JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import packageJson from "../../../package.json" with { type: "json" };
import { createCallHeader } from "../../client/call-header.ts";
import { codeName } from "../../client/connect-error.ts";
import type { HttpClient, HttpResponse } from "../../client/http-client.ts";
import { formatDuration } from "../../runner/format-duration.ts";
import { type ConnectionOptions, createHttpClient, resolveConnection } from "../connection.ts";
import { exitCodeFor, raiseExitCode } from "../exit-code.ts";
import { createResultPrinter, type OutputOptions } from "../output/print.ts";
import type { Row } from "../output/rows.ts";
import { createClientOverHttp } from "../runner-client-from-options.ts";

/** The options of `runnerctl version`. */
export interface VersionCommandOptions extends ConnectionOptions, OutputOptions {
  readonly server?: boolean;
  /** The deadline of each request, in milliseconds. */
  readonly timeout: number;
}

/** The output of `runnerctl version -o json`. All keys are always present. */
export type VersionReport = {
  runnerctl: string;
  node: string;
  /** Null without `--server`. */
  server: ServerReport | null;
};

/** What is known of a server. */
export type ServerReport = {
  baseUrl: string;
  /** Whether it responds at all. */
  reachable: boolean;
  /** The time until the response to a call, including the time to connect. */
  latencyMs: number | null;
  /** The protocol of the response; null if the server does not implement RunnerService. */
  protocol: string | null;
  /** The header `Server` of the response. */
  software: string | null;
  tokenSent: boolean;
  /** The state that the server, if it is the reference server, reports at `/readyz`. */
  ready: { ok: boolean; message: string } | null;
  /** Why a call fails; null if calls can be made. */
  error: { code: string; message: string } | null;
};

/** The ID of no runner. The expected response to a call for it is that it is not found. */
const nobody = "00000000-0000-0000-0000-000000000000";

/**
 * `runnerctl version`: prints the version of runnerctl and, with `--server`, what is known of the
 * server. The exit code tells whether it can be called: it is unreachable, does not accept the
 * token, or is not a server of this API.
 */
export async function version(options: VersionCommandOptions): Promise<void> {
  const server = options.server ? await inspectServer(options) : null;
  const report = { runnerctl: packageJson.version, node: process.versions.node, server };
  const print = createResultPrinter(options);
  await print({ rows: () => versionRows(report), json: (): JsonValue => report });
}

async function inspectServer(options: VersionCommandOptions): Promise<ServerReport> {
  const connection = resolveConnection(options);
  const httpClient = await createHttpClient(connection, options);
  const { baseUrl, token } = connection;
  let response: HttpResponse | undefined;
  let latencyMs: number | null = null;
  const measuringClient: HttpClient = async (request) => {
    const startedAt = performance.now();
    response = await httpClient(request);
    latencyMs = Math.round(performance.now() - startedAt);
    return response;
  };
  const client = createClientOverHttp(measuringClient, connection, { retry: false });
  const error = await client
    .getRunner({ runnerId: nobody }, { timeoutMs: options.timeout })
    .then(() => undefined, ConnectError.from);
  // An error that a proxy or an unrelated server responded with is not an error on the wire.
  const isConnect = response !== undefined && (error === undefined || error.isWireError);
  // A server may hide whether a runner exists from those who have no access to it.
  const isExpected =
    isConnect &&
    (error === undefined || error.code === Code.NotFound || error.code === Code.PermissionDenied);
  if (!isExpected) {
    raiseExitCode(exitCodeFor(error));
  }
  return {
    baseUrl: baseUrl.href.replace(/\/$/, ""),
    reachable: response !== undefined,
    latencyMs,
    protocol: isConnect ? "Connect over HTTP/1.1" : null,
    software: response?.header.get("server") ?? null,
    tokenSent: token !== undefined,
    ready: response === undefined ? null : await fetchReadiness(httpClient, baseUrl, options),
    error:
      isExpected || error === undefined
        ? null
        : { code: codeName(error.code), message: error.rawMessage },
  };
}

/** Returns what the reference server reports at `/readyz`. Other servers return a web page or 404. */
async function fetchReadiness(
  httpClient: HttpClient,
  baseUrl: URL,
  { timeout }: VersionCommandOptions,
): Promise<ServerReport["ready"]> {
  try {
    const { status, header, body } = await httpClient({
      url: `${baseUrl.origin}/readyz`,
      method: "GET",
      header: createCallHeader(),
      body: null,
      signal: AbortSignal.timeout(timeout),
    });
    const isText = header.get("content-type")?.startsWith("text/plain");
    return isText && (status === 200 || status === 503)
      ? { ok: status === 200, message: new TextDecoder().decode(body).trim() }
      : null;
  } catch {
    return null;
  }
}

function versionRows({ runnerctl, node, server }: VersionReport): Row[] {
  return [
    { label: "runnerctl", text: runnerctl },
    { label: "Node.js", text: node },
    ...(server === null ? [] : [{ label: "Server", rows: serverRows(server) }]),
  ];
}

function serverRows(server: ServerReport): Row[] {
  const { baseUrl, reachable, latencyMs, protocol, software, error } = server;
  if (!reachable) {
    return [
      { label: "Base URL", text: baseUrl },
      { label: "Reachable", text: `no: ${error?.message}`, color: "red" },
    ];
  }
  return [
    { label: "Base URL", text: baseUrl },
    { label: "Reachable", text: `yes, in ${formatDuration(latencyMs ?? 0)}`, color: "green" },
    { label: "Protocol", text: protocol ?? "not Connect" },
    ...(software === null ? [] : [{ label: "Software", text: software }]),
    getRunnerRow(server),
    readyRow(server),
  ];
}

function getRunnerRow({ tokenSent, error }: ServerReport): Row {
  const label = "GetRunner";
  return error === null
    ? {
        label,
        text: `answers, and ${tokenSent ? "accepts the token" : "needs no token"}`,
        color: "green",
      }
    : { label, text: `[${error.code}] ${error.message}`, color: "red" };
}

function readyRow({ ready }: ServerReport): Row {
  const label = "Ready";
  if (ready === null) {
    return { label, text: "unknown: no /readyz" };
  }
  const { ok, message } = ready;
  const details = message === "" || message === "ok" ? "" : `: ${message}`;
  return ok
    ? { label, text: `yes${details}`, color: "green" }
    : { label, text: `no${details}`, color: "red" };
}
