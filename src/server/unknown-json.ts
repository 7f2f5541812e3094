import { toJsonString } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import {
  type GetRunnerResponse,
  GetRunnerResponseSchema,
  RunnerService,
} from "../../gen/gitpod/v1/runner_service_pb.ts";
import { findUndecodedJson } from "../store/encoded-runner.ts";

/** Makes Connect's handlers write JSON that messages cannot hold. */
export interface UnknownJsonWriter {
  /** Finds the JSON of each response. It must be the innermost interceptor. */
  readonly interceptor: Interceptor;
  /** The `jsonOptions` of Connect's handlers. */
  readonly jsonOptions: object;
}

/** The maximum number of responses whose JSON is remembered. */
const maxRemembered = 1024;

/**
 * Creates an {@link UnknownJsonWriter}. A store may serve fields and enum values that this version
 * of the contract does not define. The fast path sends the JSON of the store as it is, but Connect's
 * handlers write the JSON of a message, without them. This replaces what they write for the message
 * by the JSON of the store, unless another interceptor has changed the message.
 */
export function createUnknownJsonWriter(): UnknownJsonWriter {
  const textEncoder = new TextEncoder();
  /** The JSON in the store, by the JSON of the message, starting with the one used longest ago. */
  const storedJson = new Map<string, Uint8Array>();

  function remember(message: GetRunnerResponse): void {
    const stored = message.runner && findUndecodedJson(message.runner);
    if (stored !== undefined) {
      const json = toJsonString(GetRunnerResponseSchema, message);
      storedJson.delete(json);
      storedJson.set(json, stored);
      const [oldest] = storedJson.keys();
      if (oldest !== undefined && storedJson.size > maxRemembered) {
        storedJson.delete(oldest);
      }
    }
  }

  return {
    interceptor: (next) => async (request) => {
      const response = await next(request);
      if (!response.stream && response.method === RunnerService.method.getRunner) {
        remember(response.message as GetRunnerResponse);
      }
      return response;
    },
    jsonOptions: {
      textEncoder: {
        encode: (json: string) =>
          (storedJson.size > 0 && storedJson.get(json)) || textEncoder.encode(json),
      },
    },
  };
}
