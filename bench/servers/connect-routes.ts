import type { ConnectRouter } from "@connectrpc/connect";
import { createValidateInterceptor } from "@connectrpc/validate";
import { RunnerService } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { expectedResponse } from "../sample.ts";

/** The least that a service of Connect has to do: it validates, and gives its one runner to all. */
export async function connectRoutes(): Promise<(router: ConnectRouter) => void> {
  const { runner } = await expectedResponse();
  return (router) =>
    router.service(
      RunnerService,
      { getRunner: () => (runner === undefined ? {} : { runner }) },
      { interceptors: [createValidateInterceptor()] },
    );
}
