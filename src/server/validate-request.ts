import type { Interceptor } from "@connectrpc/connect";
import { passesRulePrecheck } from "../runner/rule-precheck.ts";

let validate: Promise<Interceptor> | undefined;

/**
 * Validates requests like the interceptor of `@connectrpc/validate`. That interceptor is slow to
 * load, so it is loaded, and called, only for requests that do not pass the precheck.
 */
export const validateRequest: Interceptor = (next) => async (request) => {
  if (!request.stream && passesRulePrecheck(request.method.input, request.message)) {
    return next(request);
  }
  validate ??= import("@connectrpc/validate").then(({ createValidateInterceptor }) =>
    createValidateInterceptor(),
  );
  return (await validate)(next)(request);
};
