import type { ConnectRouter } from "@connectrpc/connect";
import { createValidateInterceptor } from "@connectrpc/validate";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { expectedResponse } from "../sample.ts";

/** Creates the routes of a minimal Connect service. It validates, and always returns one runner. */
export async function createConnectRoutes(): Promise<(router: ConnectRouter) => void> {
  const { runner } = await expectedResponse();
  return (router) =>
    router.service(
      RunnerService,
      { getRunner: () => (runner === undefined ? {} : { runner }) },
      { interceptors: [createValidateInterceptor()] },
    );
}
