import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";

/** Options of {@link createRunnerClient}. */
export interface RunnerClientOptions {
  /** The URL below which the API is served. Default: `https://app.ona.com/api`. */
  readonly baseUrl?: string;
  /** The token to authenticate with. Default: none is sent. */
  readonly token?: string;
}

/** A client of RunnerService: Connect's own, so all that Connect says of clients holds for it. */
export type RunnerClient = Client<typeof RunnerService>;

/**
 * Creates a client that speaks the Connect protocol, with JSON, over the
 * platform's own fetch.
 *
 * Its methods throw a ConnectError when a call fails.
 */
export function createRunnerClient(options: RunnerClientOptions = {}): RunnerClient {
  const { baseUrl = "https://app.ona.com/api", token } = options;
  return createClient(
    RunnerService,
    createConnectTransport({
      baseUrl,
      interceptors: token === undefined ? [] : [bearerToken(token)],
    }),
  );
}

function bearerToken(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("Authorization", `Bearer ${token}`);
    return next(request);
  };
}
