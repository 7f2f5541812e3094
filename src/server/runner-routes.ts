import { create } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type Interceptor,
  type ServiceImpl,
} from "@connectrpc/connect";
import {
  GetRunnerResponseSchema,
  type Runner,
  RunnerService,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import {
  type RunnerStore,
  StoreUnreachableError,
  UnreadableRunnerError,
} from "../store/runner-store.ts";
import { validateRequest } from "./validate-request.ts";

/** Options of {@link createRunnerRoutes}. */
export interface RunnerRoutesOptions {
  /** Where the runners come from. */
  readonly store: RunnerStore;
  /**
   * Interceptors around the service, outermost first. Requests are validated
   * after the last of them. Default: none.
   *
   * In Connect, the interceptors of a service replace those of its router. Pass
   * the interceptors of your router here again if they apply to this service.
   */
  readonly interceptors?: readonly Interceptor[];
}

/**
 * Creates the routes of RunnerService for any Connect router: Node.js, Fastify,
 * Express, Next.js.
 *
 * A request that violates a rule of the contract is rejected with
 * `invalid_argument`, with the `buf.validate.Violations` as error detail.
 */
export function createRunnerRoutes(options: RunnerRoutesOptions): (router: ConnectRouter) => void {
  const interceptors = [...(options.interceptors ?? []), validateRequest];
  return (router) => {
    router.service(RunnerService, createRunnerService(options.store), { interceptors });
  };
}

function createRunnerService(store: RunnerStore): ServiceImpl<typeof RunnerService> {
  return {
    async getRunner({ runnerId }, { signal }: HandlerContext) {
      // UUIDs are case-insensitive on input (RFC 9562, section 4).
      const runner = await getFromStore(store, runnerId.toLowerCase(), signal);
      if (runner === undefined) {
        throw new ConnectError(`no runner with id ${runnerId}`, Code.NotFound);
      }
      return create(GetRunnerResponseSchema, { runner });
    },
  };
}

async function getFromStore(
  store: RunnerStore,
  runnerId: string,
  signal: AbortSignal,
): Promise<Runner | undefined> {
  try {
    const runner = store.get(runnerId, { signal });
    return runner instanceof Promise ? await Promise.race([runner, rejectOnAbort(signal)]) : runner;
  } catch (error) {
    if (error instanceof StoreUnreachableError) {
      throw new ConnectError("the store is unreachable", Code.Unavailable, undefined, [], error);
    }
    if (error instanceof UnreadableRunnerError) {
      throw new ConnectError(error.message, Code.DataLoss, undefined, [], error);
    }
    throw error;
  }
}

/** Rejects when `signal` is aborted, even if the store ignores the signal. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(ConnectError.from(signal.reason, Code.Canceled));
    if (signal.aborted) {
      onAbort();
    } else {
      signal.addEventListener("abort", onAbort, { once: true });
    }
  });
}
